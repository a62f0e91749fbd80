"""A vision-language model as a judge, with its own culture neurons at work and silenced."""

from typing import Any, TypedDict

import pyarrow as pa

from culturebench.artifacts._json import JsonFile
from culturebench.artifacts._table import Table, required

STAGE = "audit_judge"
PATH = "data/audited/{audit}.parquet"
SUMMARIES = "reports/metrics/judge_audits"
SUMMARY = SUMMARIES + "/{audit}.json"
REAL = "real"  # stands for the condition of real test pictures
#: Whose neurons are silenced: nobody's, those of the picture's region, another region's, or as many at random.
OFF = ("", "own", "other", "random")


class AuditedRow(TypedDict):
    """One answer to CultureVQA; `model` is "" for a real picture, whose id stands as the prompt's."""

    model: str
    condition: str
    prompt_id: str
    seed: int
    region: str
    off: str
    answer: str


TABLE = Table(
    row=AuditedRow,
    stage=STAGE,
    key=("model", "condition", "prompt_id", "seed", "off"),
    schema=pa.schema(
        [
            required("model", pa.string()),
            required("condition", pa.string()),
            required("prompt_id", pa.string()),
            required("seed", pa.int64()),
            required("region", pa.string()),
            required("off", pa.string()),  # one of OFF
            required("answer", pa.string()),  # as in answers
        ]
    ),
)


class Figure(TypedDict):
    """A share or a change of it, with its interval over prompts or pictures drawn anew within regions."""

    value: float
    low: float | None
    high: float | None
    n_images: int


class Audited(TypedDict):
    """One condition's pictures: right answers with all neurons, and the changes without some."""

    model: str
    condition: str
    right: Figure
    own: Figure | None
    other: Figure | None
    random: Figure | None


class People(TypedDict):
    """Real pictures whose answer changed without the region's own neurons, and what people said of them.

    `agreed_before` and `agreed_after` are shares of people's answers on these pictures.
    """

    flipped: int
    answers: int
    agreed_before: float | None
    agreed_after: float | None


class Summary(TypedDict):
    """A judge's audit; `rows` is empty for a model that is not asked CultureVQA."""

    selector: str
    rows: list[Audited]
    people: People | None


def _whole(content: Any) -> bool:
    keys = set(Audited.__annotations__)
    return "people" in content and all(keys <= set(row) for row in content["rows"])


SUMMARY_FILE: JsonFile[Summary] = JsonFile(STAGE, "an audit of a judge", _whole)
