"""Fetching answers: the latest valid one of each person, merged into the lines that are there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from culturebench.label_studio.answers import Row, WrongAnswer
from culturebench.label_studio.client import Server, ServerTask

#: (the task's own id, annotator, the annotation, the task's data) -> a line, or `WrongAnswer`.
Read = Callable[[str, str, Mapping[str, Any], Mapping[str, Any]], Row]
#: What a line calls the id of its task.
PICTURE = "picture_id"


def of_result(read: Callable[[str, str, Any, Mapping[str, Any]], Row]) -> Read:
    """A reader that looks at the annotation's `result` alone."""
    return lambda name, annotator, annotation, data: read(name, annotator, annotation.get("result"), data)


@dataclass(frozen=True)
class Answered:
    """What the server holds: the latest valid line of each (picture, annotator), and what could not be used.

    `asked` are the pictures with a task, `people` the server's pseudonyms, `unusable` those (picture,
    annotator) whose only answers are wrong, `problems` a sentence for each wrong answer.
    """

    rows: Mapping[tuple[str, str], Row]
    asked: frozenset[str]
    people: frozenset[str]
    unusable: frozenset[tuple[str, str]]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Pulled:
    """What a pull did to a file: lines that are new, changed and withdrawn, lines in all, and the problems."""

    new: int
    changed: int
    withdrawn: int
    lines: int
    problems: tuple[str, ...]


def fetch(server: Server, titles: Iterable[str], read: Read) -> Answered:
    """Everything that people answered in these projects; drafts are no answers, a later skip takes one back."""
    people = server.people()
    projects = [project for title in titles if (project := server.project(title)) is not None]
    rows: dict[tuple[str, str], Row | None] = {}
    latest: dict[tuple[str, str], datetime] = {}
    wrong: set[tuple[str, str]] = set()
    asked: set[str] = set()
    problems: list[str] = []
    for task in (task for project in projects for task in server.tasks(project)):
        if not task.external_id:
            problems.append(f"task {task.number}: it was not made by a push and is ignored")
            continue
        asked.add(task.external_id)
        for annotation in task.annotations:
            annotator = people.get(_number(annotation.get("completed_by")), "")
            if annotation.get("was_cancelled") and not annotator:
                continue
            key = task.external_id, annotator
            try:
                at, row = _answer(task, annotation, annotator, read)
            except WrongAnswer as error:
                problems.append(f"task {task.number} ({task.external_id[:12]}…): {error}")
                wrong.add(key)
                continue
            if key not in latest or at >= latest[key]:
                rows[key], latest[key] = row, at
    unusable = frozenset(wrong - rows.keys())
    answers = {key: row for key, row in rows.items() if row is not None}
    return Answered(answers, frozenset(asked), frozenset(people.values()), unusable, tuple(sorted(problems)))


def merge(path: Path, existing: Sequence[Row], answered: Answered, item: str = PICTURE) -> Pulled:
    """Write the lines of `existing` and of the server to `path`, sorted; the same bytes when nothing changed.

    The server has the last word on its own people and pictures. Lines of others stay, and so do lines
    whose task is gone. `item` is what lines call a task's id.
    """

    def key(row: Row) -> tuple[str, ...]:
        return row[item], row["annotator"]

    now = {key(row): row for row in answered.rows.values()}
    before = {key(row): row for row in existing}
    kept = {name: row for name, row in before.items() if not _withdrawn((row[item], row["annotator"]), answered)}
    after = kept | now
    write_lines(path, [after[name] for name in sorted(after)])
    return Pulled(
        new=len(after.keys() - before.keys()),
        changed=sum(before[name] != after[name] for name in before.keys() & after.keys()),
        withdrawn=len(before.keys() - after.keys()),
        lines=len(after),
        problems=answered.problems,
    )


def _answer(task: ServerTask, annotation: Mapping[str, Any], annotator: str, read: Read) -> tuple[datetime, Row | None]:
    """When somebody answered and what; None for a skip."""
    if not annotator:
        raise WrongAnswer("its annotator is no member of the server any more")
    try:
        at = datetime.fromisoformat(str(annotation.get("updated_at"))).astimezone(UTC)
    except (ValueError, OverflowError):
        raise WrongAnswer(f"no time of change: {annotation.get('updated_at')!r:.60}") from None
    if annotation.get("was_cancelled"):
        return at, None
    return at, read(task.external_id, annotator, annotation, task.data)


def _number(completed_by: Any) -> int:
    """The server gives a number in lists, and an object elsewhere."""
    value = completed_by.get("id") if isinstance(completed_by, dict) else completed_by
    return value if type(value) is int else -1


def _withdrawn(key: tuple[str, str], answered: Answered) -> bool:
    ours = key[1] in answered.people and key[0] in answered.asked
    return ours and key not in answered.rows and key not in answered.unusable


def write_lines(path: Path, rows: Iterable[Row]) -> None:
    """One JSON object a line, through a temporary name; equal bytes are not written anew, and no file for nothing."""
    lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows]
    data = "".join(lines).encode()
    if (path.read_bytes() if path.exists() else b"") == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
