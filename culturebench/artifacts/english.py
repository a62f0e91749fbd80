"""How far a noun's pictures are from the English noun's, of one model."""

from typing import TypedDict

from culturebench.artifacts._json import JsonFile

STAGE = "compare_english"
DIRECTORY = "reports/metrics/english"
PATH = DIRECTORY + "/{model}.json"


class EnglishRow(TypedDict):
    """A mean distance, or with `against` the distance to English minus that one."""

    region: str  # a code or `all`
    distance: str  # english | cultural | seeds
    against: str
    value: float
    low: float | None  # prompts drawn anew within their regions; of one region Student's
    high: float | None
    n_prompts: int
    n_images: int


class English(TypedDict):
    """`by` names the encoder of pictures; `reason` says why there are no rows."""

    by: str
    reason: str
    rows: list[EnglishRow]


KEYS: frozenset[str] = frozenset(English.__annotations__)
ROW: frozenset[str] = frozenset(EnglishRow.__annotations__)

FILE: JsonFile[English] = JsonFile(
    STAGE,
    f"exactly the keys {', '.join(sorted(KEYS))}, and rows of {', '.join(sorted(ROW))}",
    lambda values: values.keys() == KEYS and all(row.keys() == ROW for row in values["rows"]),
)
save, load = FILE.save, FILE.load
