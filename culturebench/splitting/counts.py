"""How many pictures each stage of the data half kept and dropped, and for which reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from culturebench.captions.spans import makes_a_pair

if TYPE_CHECKING:
    from culturebench.artifacts._captioned import CaptionedRow
    from culturebench.artifacts.annotated import AnnotatedRow
    from culturebench.artifacts.relevance import RelevanceRow
    from culturebench.artifacts.screened import ScreenedRow

#: Numbers by name, nested.
Counts = dict[str, Any]


def by_reason(found: Iterable[tuple[str, str]]) -> Counts:
    """`{"kept": n, "dropped": {reason: n}}`, and `"waiting": {reason: n}` where rows wait.

    `found` is the status and the reason of every row.
    """
    pairs = list(found)
    status = Counter(status for status, _ in pairs)
    counts: Counts = {"kept": status["kept"] + status["ok"]}
    for name in ("dropped", "waiting"):
        statuses = (name, "failed") if name == "dropped" else (name,)
        reasons = Counter(reason for status, reason in pairs if status in statuses)
        if reasons or name == "dropped":
            counts[name] = dict(sorted(reasons.items()))
    return counts


def screening_counts(rows: Sequence[ScreenedRow]) -> Counts:
    """As `by_reason`, with how many of the kept pictures each rule marked as borderline."""
    marked = Counter(rule for row in rows for rule in row["borderline"])
    return by_reason((row["status"], row["reason"]) for row in rows) | {"borderline": dict(sorted(marked.items()))}


def relevance_counts(rows: Sequence[RelevanceRow]) -> Counts:
    """As `by_reason`, with how many of the kept pictures are borderline."""
    marked = sum(row["borderline"] for row in rows)
    borderline = {"relevance": marked} if marked else {}
    return by_reason((row["status"], row["reason"]) for row in rows) | {"borderline": borderline}


def annotation_counts(rows: Sequence[AnnotatedRow]) -> Counts:
    """As `by_reason`, with the provisional pictures among the kept and the mean agreement of decided ones."""
    decided = [row["agreement"] for row in rows if row["decisions"] and row["reason"] != "undecided"]
    mean = round(sum(decided) / len(decided), 6) if decided else None
    counts = by_reason((row["status"], row["reason"]) for row in rows)
    return counts | {"provisional": sum(row["provisional"] for row in rows), "agreement": mean}


def caption_counts(rows: Sequence[CaptionedRow]) -> Counts:
    """As `by_reason`, with how many of the kept are pairs for the layer probe, and in how many the noun is unmarked."""
    pairs = [row for row in rows if row["status"] == "kept" and makes_a_pair(row["cultural"], row["noun"])]
    counts = by_reason((row["status"], row["reason"]) for row in rows)
    return counts | {"pairs": len(pairs), "whole_noun": sum(row["whole_noun"] for row in pairs)}


def group_counts(rows: Iterable[tuple[str, str, str]]) -> dict[str, dict[str, Counts]]:
    """`{"subdivision": {key: {"pictures": n, side: n}}, "category": ...}` of (subdivision, category, side) of pictures.

    A picture without a subdivision or category counts under "".
    """
    every = list(rows)
    found: dict[str, dict[str, Counts]] = {}
    for place, by in enumerate(("subdivision", "category")):
        sides = {
            key: Counter(row[2] for row in every if row[place] == key) for key in sorted({r[place] for r in every})
        }
        found[by] = {key: {"pictures": sum(one.values()), **dict(sorted(one.items()))} for key, one in sides.items()}
    return found


def total(regions: Iterable[Counts]) -> Counts:
    """The sum over regions of nested counts; means are averaged over the regions that have one."""
    regions = list(regions)
    summed: Counts = {}
    for key in sorted({key for region in regions for key in region}):
        values = [region[key] for region in regions if region.get(key) is not None]
        if not values:
            summed[key] = None
        elif isinstance(values[0], dict):
            summed[key] = total(values)
        elif key == "agreement":
            summed[key] = round(sum(values) / len(values), 6)
        else:
            summed[key] = sum(values)
    return summed
