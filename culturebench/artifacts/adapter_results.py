"""What one adapter does to its own region's prompts and to others', with intervals."""

from __future__ import annotations

from typing import TypedDict

from culturebench.artifacts._adapter_size import Size
from culturebench.artifacts._json import JsonFile

STAGE = "compare_adapters"
DIRECTORY = "reports/metrics/adapters"
PATH = DIRECTORY + "/{model}/{adapter}.json"


class ResultRow(TypedDict):
    """One measure of one set of prompts at one strength, 0 without the adapter; `judge` "" where none gives it.

    `change` is against strength 0 on the same prompts and seeds; all intervals are by prompt within regions.
    """

    set: str
    strength: float
    judge: str
    measure: str
    value: float | None
    low: float | None
    high: float | None
    change: float | None
    change_low: float | None
    change_high: float | None
    n_prompts: int
    n_images: int
    reason: str


class CategoryRow(ResultRow):
    """The same of the prompts of one category: K-StyleLoRA's, the data's own where it is none of these, or "".

    Regions are not told apart, nothing is resampled: intervals are Wilson's of shares and else Student's, by prompt.
    """

    category: str


class Shown(TypedDict):
    """The prompt and seed by whose pictures a category is shown."""

    category: str
    prompt_id: str
    seed: int


class AdapterResults(TypedDict):
    """All of one adapter of one model."""

    kind: str
    region: str
    caption: str
    concepts: str
    projection: str
    preserve: float
    sizes: list[Size]
    rows: list[ResultRow]
    by_category: list[CategoryRow]  # of both English sets
    shown: list[Shown]


KEYS = set(AdapterResults.__annotations__)
FILE: JsonFile[AdapterResults] = JsonFile(
    STAGE,
    "an adapter's results",
    lambda content: (
        content.keys() == KEYS
        and all(row.keys() == set(ResultRow.__annotations__) for row in content["rows"])
        and all(row.keys() == set(CategoryRow.__annotations__) for row in content["by_category"])
    ),
)
save, load = FILE.save, FILE.load
