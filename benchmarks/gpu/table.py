"""What was measured, as a Markdown table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks._markdown import markdown_table

HEAD = ("what", "value", "goal", "GB at most", "how")


@dataclass(frozen=True)
class Row:
    """A figure with its unit, what was hoped for, the device's memory and what else has to be known."""

    what: str
    value: str
    goal: str = ""
    gigabytes: float | None = None
    how: str = ""


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    memory = ["–" if row.gigabytes is None else f"{row.gigabytes:.1f}" for row in rows]
    cells = [[row.what, row.value, row.goal or "–", gb, row.how] for row, gb in zip(rows, memory, strict=True)]
    return markdown_table(HEAD, cells)
