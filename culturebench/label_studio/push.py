"""Sending work: what is missing on the server is sent in batches, and what is there stays as it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from culturebench.images.decode import Undecodable
from culturebench.label_studio.client import EXTERNAL_ID, ProjectSpec, Server, ServerTask
from culturebench.label_studio.pictures import Place, showable
from culturebench.progress import progress

#: Given the picture ids that are missing, yields (picture id, sha256, bytes) of each that it finds.
Pictures = Callable[[Collection[str]], Iterable[tuple[str, str, bytes]]]


@dataclass(frozen=True)
class Wanted:
    """A task as it should be; `data` is what the expert sees besides the picture, `overlap` how many experts."""

    picture_id: str
    data: Mapping[str, Any]
    overlap: int


@dataclass(frozen=True)
class Pushed:
    """What a push did: tasks made, tasks that were there, tasks whose text was renewed, doubles that left.

    `left_out` maps picture ids to the reason for which they could not be sent.
    """

    created: int
    present: int
    renewed: int
    doubles: int
    left_out: Mapping[str, str] = field(default_factory=dict[str, str])


def push(
    server: Server, spec: ProjectSpec, wanted: Sequence[Wanted], place: Place, pictures: Pictures, batch_size: int
) -> Pushed:
    """Bring the project to hold every wanted task once; safe to repeat after any interruption."""
    project = server.ensure_project(spec)
    by_id = {item.picture_id: item for item in wanted}
    present = {task.external_id: task for task in server.tasks(project)}
    missing = [item.picture_id for item in wanted if item.picture_id not in present]
    renewed = _renew(server, [task for name, task in present.items() if name in by_id], by_id)
    created, left_out = 0, dict.fromkeys(missing, "its picture was not found; run `dvc repro collect`")
    found = _readable(progress(pictures(set(missing)), len(missing), "sending"), left_out)
    while batch := list(islice(found, batch_size)):
        urls = place.put(project, [(sha256, data) for _, sha256, data in batch])
        server.add_tasks(project, [_data(by_id[name], urls[sha256]) for name, sha256, _ in batch])
        created += len(batch)
        for name, _, _ in batch:
            del left_out[name]
    doubles = _settle(server, project, by_id)
    return Pushed(created, len(by_id) - len(missing), renewed, doubles, left_out)


def withdraw(server: Server, titles: Iterable[str], picture_ids: Collection[str]) -> int:
    """Delete every task on these pictures, with its annotations, from the projects; returns how many there were."""
    deleted = 0
    for title in titles:
        project = server.project(title)
        chosen = [task for task in server.tasks(project) if task.external_id in picture_ids] if project else []
        for task in chosen:
            server.delete_task(task.number)
        deleted += len(chosen)
    return deleted


def drop_others(server: Server, title: str, wanted: Collection[str]) -> None:
    """Delete the project's tasks that are not wanted any more and that nobody has touched."""
    project = server.project(title)
    for task in list(server.tasks(project)) if project is not None else []:
        if task.untouched and task.external_id not in wanted:
            server.delete_task(task.number)


def _readable(found: Iterable[tuple[str, str, bytes]], left_out: dict[str, str]) -> Iterator[tuple[str, str, bytes]]:
    """Those that a browser can show; the others' reasons are noted."""
    for name, sha256, data in found:
        try:
            showable(data)
        except Undecodable as error:
            left_out[name] = error.reason
            continue
        yield name, sha256, data


def _data(wanted: Wanted, url: str) -> dict[str, Any]:
    return {EXTERNAL_ID: wanted.picture_id, "image": url, **wanted.data}


def _renew(server: Server, tasks: Iterable[ServerTask], by_id: Mapping[str, Wanted]) -> int:
    """Show what is to be shown now in tasks that nobody has touched; an answer stays with what was asked."""
    renewed = 0
    for task in tasks:
        data = _data(by_id[task.external_id], str(task.data.get("image", "")))
        if task.untouched and data != task.data:
            server.change_data(task.number, data)
            renewed += 1
    return renewed


def _settle(server: Server, project: int, by_id: Mapping[str, Wanted]) -> int:
    """Give each task its overlap, and delete second tasks on one picture that nobody has touched.

    They come from two pushes at once, or from an answer that got lost on its way.
    """
    tasks: dict[str, list[ServerTask]] = defaultdict(list)
    for task in server.tasks(project):
        tasks[task.external_id].append(task)
    deleted = 0
    for name, same in tasks.items():
        if name not in by_id:
            continue
        first, *rest = sorted(same, key=lambda task: (task.untouched, task.number))
        for task in rest:
            if task.untouched:
                server.delete_task(task.number)
                deleted += 1
        if first.overlap != by_id[name].overlap:
            server.set_overlap(first.number, by_id[name].overlap)
    return deleted
