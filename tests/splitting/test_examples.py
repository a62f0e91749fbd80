"""Which picture stands for a region."""

from __future__ import annotations

from typing import Any

from culturebench.splitting.examples import example_of


def row(name: str, provisional: bool = False, **captions: Any) -> Any:
    return {"picture_id": name, "provisional": provisional, "cultural_en": "x", "noun_en": "x", **captions}


def test_it_is_the_first_by_id_of_those_with_most_captions_and_decided_before_provisional() -> None:
    rows = [row("c"), row("b"), row("a", noun_en=None), row("0", provisional=True)]
    assert example_of(rows) == rows[1]
    assert example_of(rows[2:]) == rows[2]
    assert example_of(rows[3:]) == rows[3]
    assert example_of([]) is None
