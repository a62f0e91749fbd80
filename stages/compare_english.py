"""Say whether a noun's pictures are English ones, or only neutral: both may show no culture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from culturebench.artifacts import english, pictures, pins
from culturebench.artifacts.english import English
from culturebench.artifacts.pictures import PictureRow
from culturebench.evaluation.names import TEST
from culturebench.measures.embedding import NONE, embedded, embedding
from culturebench.measures.english import CULTURAL, ENGLISH, rows, scores
from culturebench.measures.statistics import Bootstrap
from culturebench.measures.task import Task
from culturebench.params.conditions import Conditions
from culturebench.params.evaluate import Evaluate
from culturebench.params.measure import Measure
from culturebench.stage import Paths, Stage

PICTURE_COLUMNS = ("prompt_id", "region", "seed", "image")
NOUN = "noun"
#: Distance -> the condition to whose pictures it is.
BESIDE = {ENGLISH: "noun_en", CULTURAL: "cultural"}
NOT_DRAWN = "there are no pictures of both noun and noun_en; params.yaml: conditions.pinned names what is drawn"


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    conditions: Conditions
    evaluate: Evaluate
    measure: Measure


def run(params: Params, inputs: Paths, outputs: Paths, *, model: str) -> None:
    """Compare same-seed pictures of one model, and say why where there is nothing to compare."""
    del model
    names = {name: one for name, one in BESIDE.items() if one in params.conditions.pinned}
    made = _made(inputs["pictures"], NOUN) if NOUN in params.conditions.pinned and ENGLISH in names else []
    beside = {name: _made(inputs["pictures"], one) for name, one in names.items()} if made else {}
    opened = embedding(Task(params.measure, inputs["measures"], {}, made, {})) if beside.get(ENGLISH) else None
    if not opened:
        reason = NONE if beside.get(ENGLISH) else NOT_DRAWN
        english.save(outputs["english"], {"by": "", "reason": reason, "rows": []})
        return
    by, embed = opened
    regions = {row["prompt_id"]: row["region"] for row in made}
    vectors = {
        name: dict(zip(_keys(some), embedded([row["image"] for row in some], embed), strict=True))
        for name, some in beside.items()
    }
    found = scores(embedded([row["image"] for row in made], embed), _keys(made), vectors)
    bootstrap = Bootstrap(params.evaluate.resamples, params.evaluate.seed, params.evaluate.level)
    result: English = {"by": by, "reason": "", "rows": rows(found, regions, bootstrap)}
    english.save(outputs["english"], result)


def _made(folder: Path, condition: str) -> list[PictureRow]:
    return pictures.TABLE.load(folder / condition / f"{TEST}.parquet", PICTURE_COLUMNS)


def _keys(made: list[PictureRow]) -> list[tuple[str, int]]:
    return [(row["prompt_id"], row["seed"]) for row in made]


STAGE = Stage(
    name="compare_english",
    run=run,
    identities=("model",),
    params=Params,
    inputs={"measures": pins.MEASURES, "pictures": pictures.OF_MODEL},
    outputs={"english": english.PATH},
)

if __name__ == "__main__":
    STAGE.main()
