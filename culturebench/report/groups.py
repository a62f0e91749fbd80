"""CultureVQA and the data's counts by subdivision and by category, as plain values for the templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from culturebench.conditions import in_order
from culturebench.evaluation.names import ALL
from culturebench.report.tables import OWN

if TYPE_CHECKING:
    from culturebench.artifacts.groups import GroupRow

#: What the tables go by, and how they are called.
TITLES = {"subdivision": "By subdivision", "category": "By category"}
SIDES = ("detect", "train", "test")


def by_group(rows: Sequence[GroupRow], model: str, regions: Sequence[str]) -> list[dict[str, Any]]:
    """`[{by, title, conditions, rows: [(region, group, prompts, [row])]}]` of one model, without empty tables.

    A category is of all regions, which its region says.
    """
    return [
        table
        for by, title in TITLES.items()
        if (table := _table([row for row in rows if (row["model"], row["by"]) == (model, by)], by, title, regions))
    ]


def _table(rows: Sequence[GroupRow], by: str, title: str, regions: Sequence[str]) -> dict[str, Any] | None:
    cells = {(row["region"], row["group"], row["condition"]): row for row in rows}
    names = in_order({row["condition"] for row in rows} & set(OWN))
    places = [*regions, ALL]
    groups = sorted({key[:2] for key in cells if key[0] in places}, key=lambda key: (places.index(key[0]), key[1]))
    if not groups:
        return None
    lines = [(region, group, [cells.get((region, group, name)) for name in names]) for region, group in groups]
    return {
        "by": by,
        "title": title,
        "conditions": names,
        "rows": [
            (region, words_of(group), max(row["n_prompts"] for row in line if row), line)
            for region, group, line in lines
            if any(line)
        ],
    }


def counted(groups: Mapping[str, Mapping[str, Mapping[str, Any]]], regions: Sequence[str]) -> list[dict[str, Any]]:
    """`[{by, title, rows: [(region, group, pictures, [of each side])]}]` of region -> by -> group -> counts.

    Categories are summed over the regions; subdivisions belong to one.
    """
    found: list[dict[str, Any]] = []
    for by, title in TITLES.items():
        sums: dict[tuple[str, str], dict[str, int]] = {}
        for region in (code for code in regions if code in groups):
            for group, counts in groups[region].get(by, {}).items():
                own = sums.setdefault((region if by == "subdivision" else ALL, group), {})
                for name, number in counts.items():
                    own[name] = own.get(name, 0) + number
        ordered = list(sums.items()) if by == "subdivision" else sorted(sums.items())
        rows = [
            (region, words_of(group), own["pictures"], [own.get(side, 0) for side in SIDES])
            for (region, group), own in ordered
        ]
        if rows:
            found.append({"by": by, "title": title, "sides": SIDES, "rows": rows})
    return found


def words_of(group: str) -> str:
    """A key in words."""
    return group.replace("_", " ") or "none"
