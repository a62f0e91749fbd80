"""Measure one condition's pictures: fit to the caption, distance to the reference, diversity, what people like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from culturebench.artifacts import labels, measured, pictures, pins, splits
from culturebench.measures.opening import measure_all
from culturebench.measures.task import ENGLISH, Task
from culturebench.params.measure import Measure
from culturebench.stage import Paths, Stage

PICTURE_COLUMNS = ("prompt_id", "region", "seed", "image")


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    measure: Measure


def run(params: Params, inputs: Paths, outputs: Paths, *, model: str, condition: str) -> None:
    """Measure every picture of one condition."""
    numbers = params.measure
    made = pictures.TABLE.load(inputs["pictures"], PICTURE_COLUMNS)
    regions = sorted({row["region"] for row in made})
    captions = dict.fromkeys((numbers.caption, ENGLISH[numbers.caption], "cultural_en"))
    test = splits.TABLE.load_all(inputs["test"], regions, ("picture_id", "region", *captions, "image"))
    references = {row["picture_id"]: row for row in test}
    names = inputs["measures"] / Path(labels.MEASURES_PATH).name
    known = labels.load(names) if numbers.cultural_similarity else {}
    measured.TABLE.save(outputs["measured"], measure_all(Task(numbers, inputs["measures"], known, made, references)))


STAGE = Stage(
    name="measure",
    run=run,
    identities=("model", "condition"),
    params=Params,
    inputs={"measures": pins.MEASURES, "pictures": pictures.TEST_PATH, "test": splits.TEST},
    outputs={"measured": measured.PATH},
)

if __name__ == "__main__":
    STAGE.main()
