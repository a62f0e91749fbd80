"""Lines of the server and lines that are there become one sorted file."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from culturebench.label_studio.pull import Answered, merge

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def row(picture: str, annotator: str, verdict: str = "keep") -> dict[str, Any]:
    return {"picture_id": picture, "annotator": annotator, "verdict": verdict}


def answered(*rows: dict[str, Any], asked: str = "abc", unusable: tuple[tuple[str, str], ...] = ()) -> Answered:
    by_key = {(each["picture_id"], each["annotator"]): each for each in rows}
    people = frozenset(("p", "q"))
    return Answered(by_key, frozenset(asked), people, frozenset(unusable), ("task 1: wrong",))


def test_the_order_in_which_answers_come_makes_no_difference(tmp_path: Path):
    rows = [row(picture, person) for picture in "abc" for person in "pq"]
    merge(tmp_path / "1", [], answered(*rows))
    random.Random(0).shuffle(rows)
    merge(tmp_path / "2", [], answered(*rows))
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    assert len((tmp_path / "1").read_text().splitlines()) == 6


def test_what_is_new_changed_and_withdrawn_is_counted(tmp_path: Path):
    existing = [row("a", "p"), row("b", "p"), row("c", "p")]
    done = merge(tmp_path / "x", existing, answered(row("a", "p"), row("b", "p", "reject"), row("b", "q")))
    assert (done.new, done.changed, done.withdrawn, done.lines) == (1, 1, 1, 3)
    assert done.problems == ("task 1: wrong",)


def test_a_line_stays_when_its_task_is_gone_its_author_is_a_stranger_or_the_only_answer_is_wrong(tmp_path: Path):
    existing = [row("z", "p"), row("a", "stranger"), row("b", "p")]
    done = merge(tmp_path / "x", existing, answered(unusable=(("b", "p"),)))
    assert (done.withdrawn, done.lines) == (0, 3)


def test_an_unchanged_file_is_not_touched(tmp_path: Path):
    path = tmp_path / "x"
    merge(path, [], answered(row("a", "p")))
    before = path.stat().st_mtime_ns
    merge(path, [row("a", "p")], answered(row("a", "p")))
    assert path.stat().st_mtime_ns == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["x"]
