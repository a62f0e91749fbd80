"""Answers of a vision-language model to the test questions, while neurons are silenced and while none are."""

from typing import Any, TypedDict

import pyarrow as pa

from culturebench.artifacts._json import JsonFile
from culturebench.artifacts._table import Table, required

STAGE = "silence"
DIRECTORY = "data/silenced"
PATH = DIRECTORY + "/{audit}.parquet"
SUMMARIES = "reports/metrics/audits"
SUMMARY = SUMMARIES + "/{audit}.json"
NOBODY = ""  # the selector and the culture of answers with all neurons at work
WHOLE = -1  # the layer of neurons of all layers
NONE = -1  # the answer that is none of the options


class SilencedRow(TypedDict):
    """One answer while the neurons that `selector` takes for `silenced` are off."""

    selector: str
    draw: int
    silenced: str
    layer: int
    language: str
    question_id: str
    answer: int
    logits: list[float]


TABLE = Table(
    row=SilencedRow,
    stage=STAGE,
    key=("selector", "draw", "silenced", "layer", "language", "question_id"),
    schema=pa.schema(
        [
            required("selector", pa.string()),  # "" while none are off
            required("draw", pa.int32()),
            required("silenced", pa.string()),  # a culture
            required("layer", pa.int32()),  # the only one whose neurons are off; -1: all
            required("language", pa.string()),  # native | english
            required("question_id", pa.string()),
            required("answer", pa.int32()),  # a place in the options; -1: none of them
            required("logits", pa.list_(pa.float64())),  # of the options' letters; empty for a greedy reply
        ]
    ),
)


class Effect(TypedDict):
    """A mean or a difference of means with its interval, over pictures drawn anew within cultures."""

    value: float
    low: float | None
    high: float | None
    n_questions: int
    n_pictures: int


#: A selector's effects, as changes of the share of right answers; flips are shares of changed answers.
EFFECTS = (
    *("own", "other", "selective", "beyond_random", "neutral", "category_matched"),
    *("flip_own", "right_to_wrong", "wrong_to_right", "flip_other"),
)


class Cell(TypedDict):
    """What silencing `silenced`'s neurons does to questions about `asked`."""

    selector: str
    silenced: str
    asked: str
    change: float


class Layer(TypedDict):
    """One layer's share of a selector's neurons, and what silencing them alone does to their own cultures."""

    selector: str
    layer: int
    share: float
    own: Effect | None


class Culture(TypedDict):
    """One culture: right answers with all neurons, and the change without its own, of the selector `by_layer`."""

    culture: str
    baseline: Effect
    own: Effect | None


class Summary(TypedDict):
    """All of one audit; `effects` goes by language, selector and one of `EFFECTS`.

    `chance` is the share that guessing gets, so that `baseline` - `chance` is the room to fall.
    """

    questions: str
    scoring: str
    shown: str
    cultures: list[Culture]
    neurons: dict[str, float]
    baseline: dict[str, Effect]
    neutral_baseline: dict[str, Effect | None]
    chance: float
    effects: dict[str, dict[str, dict[str, Effect | None]]]
    matrix: list[Cell]
    layers: list[Layer]


def _whole(content: Any) -> bool:
    rows = [row for some in content["effects"].values() for row in some.values()]
    return all(set(EFFECTS) <= set(row) for row in rows) and bool(content["cultures"]) and "chance" in content


SUMMARY_FILE: JsonFile[Summary] = JsonFile(STAGE, "a summary of silenced neurons", _whole)
