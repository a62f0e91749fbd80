"""The five categories of K-StyleLoRA's figures, and which of the data's own fall into each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from culturebench.conditions.record import ConditionError


@dataclass(frozen=True)
class Category:
    """One category; `keys` are those of the keywords of region files, which pictures carry."""

    name: str
    label: str
    keys: tuple[str, ...]


def registry(records: Sequence[Category]) -> dict[str, Category]:
    """The records by key of the data; `ConditionError` for a key that falls into two."""
    keys = [key for record in records for key in record.keys]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise ConditionError(f"the category {twice[0]!r} falls into two of K-StyleLoRA's; name it in one record")
    return {key: record for record in records for key in record.keys}


#: In the paper's order (section 4.1). Its portraits are of people, who are no category of the region files shipped.
CATEGORIES: Final = (
    Category("architecture", "Architecture", ("architecture",)),
    Category("fashion", "Fashion", ("fashion", "clothing")),
    Category("art", "Art", ("art", "crafts")),
    Category("portrait", "Portrait", ("portrait",)),
    Category("landscape", "Landscape", ("landscape",)),
)
_BY_KEY: Final = registry(CATEGORIES)


def category_of(key: str) -> str:
    """The paper's category of one of the data's; those that fall into none, such as food, keep their own name."""
    return _BY_KEY[key].name if key in _BY_KEY else key


def in_order(found: Sequence[str]) -> list[tuple[str, str]]:
    """(category, label) of the paper's five, then of whatever else was `found`; pictures without any come last."""
    five = {record.name: record.label for record in CATEGORIES}
    others = sorted(set(found) - five.keys(), key=lambda name: (not name, name))
    return [*five.items(), *((name, name.replace("_", " ").capitalize() or "No category") for name in others)]
