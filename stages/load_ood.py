"""Read one file of captions from outside of the benchmark, and refuse it when any line cannot be used."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from culturebench.artifacts import ood
from culturebench.captions.ood import OodError, Place, read_ood
from culturebench.params import choose, load_region
from culturebench.params.ood import Ood
from culturebench.params.regions import Regions
from culturebench.stage import Stage

REGIONS = "annotations/regions"


def run(params: SimpleNamespace, inputs: dict[str, Path], outputs: dict[str, Path], *, prompts: str) -> None:
    """Check every line and write the captions."""
    name = choose(params.ood, prompts).file
    try:
        data = Path(name).read_bytes()
    except OSError as error:
        raise OodError(f"ood.{prompts}.file: {name} cannot be read ({error.strerror}); correct params.yaml") from None
    places = {code: _place(code, inputs["regions"]) for code in params.regions}
    ood.TABLE.save(outputs["captions"], read_ood(name, data, places))


def _place(code: str, folder: Path) -> Place:
    region = load_region(code, ("country", "iso", "judge_label", "language"), folder)
    names = {code, region["country"].casefold(), region["judge_label"].casefold()}
    return Place(frozenset(names), frozenset(region["iso"]), region["language"])


STAGE = Stage(
    name="load_ood",
    run=run,
    identities=("prompts",),
    sections=(Ood, Regions),
    inputs={"regions": REGIONS},
    outputs={"captions": ood.PATH},
)

if __name__ == "__main__":
    STAGE.main()
