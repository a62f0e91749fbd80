"""What masking each selector's neurons does: to their own region's pictures, and to those of other regions."""

from __future__ import annotations

from typing import Any, TypedDict

from culturebench.artifacts._json import JsonFile

STAGE = "compare_selectors"
DIRECTORY = "reports/metrics/selectors"
PATH = DIRECTORY + "/{model}.json"
EFFECTS = ("own", "cross", "selective", "beyond_random")
WHOLE = "elbow"  # all latents that a selector picks


class Interval(TypedDict):
    """A share of right answers, or a difference of two, with its intervals; a difference also with its tests.

    By prompt within these regions, and by region for regions like these; the tests are corrected by Holm's method for
    all effects of the table.
    """

    value: float
    low: float | None
    high: float | None
    p_value: float | None
    low_by_region: float | None
    high_by_region: float | None
    p_by_region: float | None
    n_prompts: int
    n_images: int


class Effects(TypedDict):
    """One selector's mean neurons a region, and four drops of CultureVQA.

    `own`: on the region's prompts; `cross`: on other regions'; `selective`: own minus cross; `beyond_random`: own minus
    random's own.
    """

    neurons: float
    own: Interval | None
    cross: Interval | None
    selective: Interval | None
    beyond_random: Interval | None


class Cell(TypedDict):
    """What masking `source`'s neurons does on `target`'s prompts."""

    selector: str
    k: str
    source: str
    target: str
    drop: float
    low: float | None
    high: float | None


class Comparison(TypedDict):
    """The selectors of one model; `unmasked` is CultureVQA without any mask.

    `selectors` goes by how many of a region's neurons are masked, `WHOLE` or the best so many by the selector's own
    score, and then by selector.
    """

    judge: str
    regions: list[str]
    prompts: int
    seeds: list[int]
    unmasked: Interval | None
    selectors: dict[str, dict[str, Effects]]
    matrix: list[Cell]


CELL = tuple(Cell.__annotations__)


def _whole(content: Any) -> bool:
    rows, cells = [row for some in content["selectors"].values() for row in some.values()], content["matrix"]
    return all(set(EFFECTS) <= set(row) for row in rows) and all(set(CELL) <= set(cell) for cell in cells)


FILE: JsonFile[Comparison] = JsonFile(STAGE, "a comparison of selectors", _whole)
save, load = FILE.save, FILE.load
