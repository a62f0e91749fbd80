"""Measure one condition's pictures: fit to the caption, distance to the reference, diversity."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from culturebench.artifacts import measured, pictures, pins, splits
from culturebench.atlas.alignment import AtlasAlignment
from culturebench.measures.pictures import measure_pictures
from culturebench.params.measure import Measure
from culturebench.pins import pin_path, verified_folder
from culturebench.stage import Stage

PICTURE_COLUMNS = ("prompt_id", "region", "seed", "image")


def run(
    params: SimpleNamespace, inputs: dict[str, Path], outputs: dict[str, Path], *, model: str, condition: str
) -> None:
    """Measure every picture of one condition."""
    numbers: Measure = params.measure
    encoder = AtlasAlignment(verified_folder(pin_path(inputs["pins"], numbers.alignment)))
    made = pictures.TABLE.load(inputs["pictures"], PICTURE_COLUMNS)
    regions = sorted({row["region"] for row in made})
    test = splits.TABLE.load_all(inputs["test"], regions, ("picture_id", numbers.caption, "image"))
    references = {row["picture_id"]: row for row in test}
    measured.TABLE.save(outputs["measured"], measure_pictures(encoder, made, references, numbers.caption))


STAGE = Stage(
    name="measure",
    run=run,
    identities=("model", "condition"),
    sections=(Measure,),
    inputs={"pins": pins.DIRECTORY, "pictures": pictures.PATH, "test": splits.TEST},
    outputs={"measured": measured.PATH},
)

if __name__ == "__main__":
    STAGE.main()
