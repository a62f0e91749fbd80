"""Runs independent stages of one `dvc repro` at once: their commands overlap, and DVC's own work does not.

A thread for each stage at work runs DVC's own code for it, and one thread at a time has the turn: it alone is in DVC,
and holds the repository's lock. While its stage's command runs, a thread gives the turn away, as DVC gives its lock
away. So one writer restores, hashes, commits and writes dvc.lock, as with one stage at a time.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from typing import Any

import dvc.repo.reproduce as theirs
from dvc.exceptions import ReproductionError
from dvc.lock import LockError
from dvc.rwlock import rwlock
from dvc.stage.exceptions import StageCmdFailedError

from flows._fork import Commands
from flows._lock_file import LockFile
from flows._times import Times, rest
from flows.outcomes import EVENT


class SideBySide:
    """Stands for DVC's loop over the stages, with up to `jobs` at work.

    A stage of the groups `on_device` sees one of `devices`, and nobody else does meanwhile; without devices it is like
    any other.
    """

    def __init__(self, jobs: int, devices: Sequence[str], on_device: Collection[str], lock_file: LockFile) -> None:
        self._jobs, self._devices, self._on_device = jobs, list(devices), frozenset(on_device)
        self._lock_file = lock_file
        self._commands = Commands()
        self._turn, self._printing = threading.Lock(), threading.Lock()
        self._here = threading.local()

    def reproduce(self, stages: Sequence[Any], graph: Any = None, **settings: Any) -> list[Any]:
        """Stands for `dvc.repo.reproduce._reproduce`; after a failure what is at work ends, and nothing starts."""
        for name in ("force_downstream", "repro_fn", "on_error"):
            settings.pop(name, None)
        repo = stages[0].repo if stages else None
        if repo is None:
            return []
        whole = theirs.get_active_graph(repo.index.graph)
        self._lock_file.order = {stage.name: place for place, stage in enumerate(theirs.plan_repro(whole))}
        for handler in logging.getLogger("dvc").handlers:
            handler.addFilter(self._told)
        run = _Run(stages, whole, Times.read(repo.tmp_dir))
        repo.lock.unlock()
        try:
            self._all(run, graph, settings)
        finally:
            repo.lock.lock()
            run.times.write()
        if run.failed:
            stage, error = run.failed[0]
            raise ReproductionError(f"failed to reproduce '{stage.addressing}'") from error
        return run.changed

    def _all(self, run: _Run, graph: Any, settings: dict[str, Any]) -> None:
        with ThreadPoolExecutor(self._jobs) as pool:
            while True:
                while not run.failed and len(run.working) < self._jobs and (stage := self._next(run)) is not None:
                    device = self._devices.pop(0) if self._bound(stage) else None
                    future = pool.submit(self._one, run, stage, device, graph, settings)
                    run.working[future] = (stage, device)
                if not run.working:
                    return
                for future in wait(run.working, return_when=FIRST_COMPLETED).done:
                    stage, device = run.working.pop(future)
                    if device is not None:
                        self._devices.append(device)
                    self._ended(run, stage, future)

    def _bound(self, stage: Any) -> bool:
        return bool(self._devices) and stage.addressing.partition("@")[0] in self._on_device

    def _next(self, run: _Run) -> Any:
        """The first stage in DVC's order that can start; one that needs a device waits for one."""
        busy = any(device is not None for _, device in run.working.values()) and not self._devices
        for stage in sorted(run.ready, key=run.place.__getitem__):
            if not (busy and stage.addressing.partition("@")[0] in self._on_device):
                run.ready.remove(stage)
                return stage
        return None

    def _one(self, run: _Run, stage: Any, device: str | None, graph: Any, settings: dict[str, Any]) -> Any:
        """DVC's own work for one stage, in a thread."""
        self._here.run, self._here.stage, self._here.device = run, stage, device
        upstream = list(graph.successors(stage)) if graph else []
        with self._turn:
            stage.repo.lock.lock()
            try:
                return theirs._reproduce_stage(stage, upstream=upstream, **settings)
            finally:
                if stage.repo.lock.is_locked:
                    stage.repo.lock.unlock()

    def _ended(self, run: _Run, stage: Any, future: Future[Any]) -> None:
        name = stage.addressing
        began = run.began.pop(name, None)
        seconds = time.monotonic() - began if began else 0.0
        if error := future.exception():
            run.failed.append((stage, error))
            if not isinstance(error, LockError):  # else another reproduction is at it, and this one comes again
                self.say(name, "ended", text=f"{name} failed: {error}", outcome="failed", seconds=seconds)
            return
        run.sorter.done(stage)
        run.ready.extend(run.sorter.get_ready())
        run.left.remove(name)
        if future.result() is not None:
            run.changed.append(stage)
        outcome = "ran" if began else "cached" if future.result() is None else "restored"
        self.say(name, "ended", outcome=outcome, seconds=seconds, **(run.progress(self._jobs) if began else {}))

    def run(self, executable: str | None, cmd: str, **kwargs: Any) -> None:
        """Stands for `dvc.stage.run._run`; raises `StageCmdFailedError` when the command fails."""
        run, stage, device = self._here.run, self._here.stage.addressing, self._here.device
        if device is not None:
            kwargs["env"]["CUDA_VISIBLE_DEVICES"] = device
        began = run.began.setdefault(stage, time.monotonic())
        self.say(stage, "begun", **run.progress(self._jobs))
        self._turn.release()
        try:
            status = self._commands.run(executable, cmd, lambda line: self.say(stage, "line", text=line), kwargs)
        finally:
            self._turn.acquire()
        if status != 0:
            raise StageCmdFailedError(cmd, status)
        run.times.keep(stage, time.monotonic() - began)

    def rwlock(self, tmp_dir: str, fs: Any, cmd: str, read: Any, write: Any, hardlink: Any) -> Any:
        """Stands for `dvc.rwlock.rwlock`: two stages of one process are told apart, or one would free the other's."""
        stage = getattr(self._here, "stage", None)
        return rwlock(tmp_dir, fs, f"{cmd} ({stage.addressing})" if stage else cmd, read, write, hardlink)

    def say(self, stage: str, kind: str, **facts: Any) -> None:
        """Print one event."""
        line = EVENT + json.dumps({"stage": stage, "kind": kind, **facts}) + "\n"
        with self._printing:
            sys.stdout.write(line)
            sys.stdout.flush()

    def _told(self, record: logging.LogRecord) -> bool:
        """A filter: what DVC logs in a stage's thread is said as that stage's."""
        stage = getattr(self._here, "stage", None)
        if stage is None:
            return True
        for line in record.getMessage().splitlines():
            self.say(stage.addressing, "line", text=line)
        return False


class _Run:
    """How far one reproduction is."""

    def __init__(self, stages: Sequence[Any], graph: Any, times: Times) -> None:
        self.place = {stage: place for place, stage in enumerate(stages)}
        self.times = times
        waits = _waits(self.place, graph)
        self.waits = {one.addressing: [other.addressing for other in others] for one, others in waits.items()}
        self.left = {stage.addressing for stage in stages}
        self.sorter = TopologicalSorter(waits)
        self.sorter.prepare()
        self.ready: list[Any] = list(self.sorter.get_ready())
        self.working: dict[Future[Any], tuple[Any, str | None]] = {}
        self.began: dict[str, float] = {}
        self.changed: list[Any] = []
        self.failed: list[tuple[Any, BaseException]] = []

    def progress(self, jobs: int) -> dict[str, Any]:
        """How many stages are done, of how many, and an estimate of the seconds left; `sure` when all were measured."""
        now = time.monotonic()
        left = {name: self.times.of(name) for name in list(self.left)}  # another thread may take one out
        seconds = {name: found or 0.0 for name, found in left.items()}
        for name, began in list(self.began.items()):
            seconds[name] = max(0.0, seconds.get(name, 0.0) - (now - began))
        known = all(found is not None for found in left.values())
        return {
            "done": len(self.place) - len(left),
            "total": len(self.place),
            "left": rest(seconds, self.waits, jobs),
            "sure": known,
        }


def _waits(stages: Mapping[Any, int], graph: Any) -> dict[Any, list[Any]]:
    """What each stage waits for among `stages`, also through stages that are not among them."""
    waits: dict[Any, list[Any]] = {}
    for stage in theirs.plan_repro(graph):
        earlier = graph.successors(stage)
        waits[stage] = list(dict.fromkeys(_among(stages, waits, earlier)))
    return {stage: waits[stage] for stage in stages}


def _among(stages: Mapping[Any, int], waits: Mapping[Any, list[Any]], earlier: Iterable[Any]) -> Generator[Any]:
    for other in earlier:
        if other in stages:
            yield other
        else:
            yield from waits[other]
