"""Draw the test prompts, or read a file of captions from outside and refuse it when any line cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from culturebench.artifacts import places, prompts as prompt_sets, splits
from culturebench.artifacts.prompts import PromptRow
from culturebench.captions.outside import OutsideError, Place, read_outside
from culturebench.params import choose
from culturebench.params.generate import Generate
from culturebench.params.prompts import TEST, Prompts
from culturebench.params.regions import Regions
from culturebench.stage import Paths, Stage
from culturebench.text_to_image.prompts import COLUMNS, select_prompts


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    generate: Generate
    prompts: Prompts
    regions: Regions


def run(params: Params, inputs: Paths, outputs: Paths, *, prompts: str) -> None:
    """Write one set of prompts, the same for every model and condition."""
    file = choose(params.prompts, prompts).file
    found = _drawn(params, Path(file)) if prompts == TEST else _from_outside(params, prompts, file, inputs["places"])
    prompt_sets.TABLE.save(outputs["prompts"], found)


def _drawn(params: Params, folder: Path) -> list[PromptRow]:
    test = splits.TABLE.load_all(folder, params.regions, COLUMNS)
    return select_prompts(test, list(params.regions), params.generate.prompts_per_region)


def _from_outside(params: Params, name: str, file: str, folder: Path) -> list[PromptRow]:
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        raise OutsideError(
            f"prompts.{name}.file: {file} cannot be read ({error.strerror}); correct params.yaml"
        ) from None
    return read_outside(file, data, {code: _place(code, folder) for code in params.regions})


def _place(code: str, folder: Path) -> Place:
    region = places.load(folder / f"{code}.json")
    names = {code, region["country"].casefold(), region["judge_label"].casefold()}
    return Place(frozenset(names), frozenset(region["iso"]), region["language"])


STAGE = Stage(
    name="load_prompts",
    run=run,
    identities=("prompts",),
    params=Params,
    inputs={"places": places.DIRECTORY},
    outputs={"prompts": prompt_sets.PATH},
)

if __name__ == "__main__":
    STAGE.main()
