"""How far a project's experts are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from culturebench.label_studio.client import Server
from culturebench.label_studio.push import Wanted


@dataclass(frozen=True)
class Progress:
    """Tasks on the server, those with an answer, those with as many as they need, answers, and tasks to send."""

    tasks: int
    begun: int
    complete: int
    answers: int
    to_send: int


def progress_of(server: Server, title: str, wanted: Iterable[Wanted], overlap: int) -> Progress:
    """What there is on the server, and how many tasks a push would send."""
    project = server.project(title)
    tasks = list(server.tasks(project)) if project is not None else []
    given = [len({a.get("completed_by") for a in task.annotations if not a.get("was_cancelled")}) for task in tasks]
    return Progress(
        tasks=len(tasks),
        begun=sum(count > 0 for count in given),
        complete=sum(count >= overlap for count in given),
        answers=sum(given),
        to_send=len({one.picture_id for one in wanted} - {task.external_id for task in tasks}),
    )
