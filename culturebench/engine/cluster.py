"""Batches on the machines of a Ray cluster: an actor loads its worker once; what a lost actor had is done again."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from culturebench.engine.worker import Cached, EngineError, Failure, Worker
from culturebench.numerics import pin
from culturebench.stage import deterministic, fix_threads

try:
    import ray
    from ray.exceptions import NodeDiedError, ObjectLostError, RayActorError, RayTaskError, WorkerCrashedError
except ModuleNotFoundError:
    raise EngineError(
        "engine.kind in params.yaml is ray, and Ray is not installed: run `pip install --editable '.[ray]'` "
        "on every machine, or set engine.kind to local"
    ) from None

if TYPE_CHECKING:
    from culturebench.params._runtime import Deterministic
    from culturebench.params.engine import Engine

T = TypeVar("T")
R = TypeVar("R")
#: How often a batch may end the actor that does it.
ATTEMPTS = 3
#: Batches that are at work or wait for their turn to be handed over, for each actor.
AHEAD = 4
#: After how many seconds without any actor the stage says what it waits for.
PATIENCE = 30.0
#: What no actor needs. What Git ignores stays out too, as data/ and models/.
LEFT_OUT = [".git", ".dvc", ".venv", "**/__pycache__"]
#: The actor is gone, or the machine that held its result.
LOST = (RayActorError, ObjectLostError, NodeDiedError, WorkerCrashedError)


def run(
    worker: Worker[T, R], batches: Iterable[Sequence[T]], cached: Cached[T, R] | None, engine: Engine
) -> Iterator[list[R | Failure]]:
    """The results of every batch in the order of `batches`.

    Actors stay for the next call with the same worker, and make room for those of another one.
    """
    global _latest
    if _latest is None or _latest.worker is not worker:
        if _latest:
            _latest.end()
        _latest = _Actors(worker, engine)
    yield from _Run(_latest, batches, cached, engine.workers * AHEAD).results()


class _Remote:
    """Lives in a process of some machine; loads the worker there."""

    def __init__(self, worker: Worker[Any, Any], deterministic: Deterministic) -> None:
        self._worker = worker
        self._deterministic: Deterministic = deterministic

    def load(self) -> None:
        fix_threads(self._deterministic)
        _ = self._worker.loaded
        fix_threads(self._deterministic)  # what was just loaded may have brought torch along

    def do(self, batch: Sequence[Any]) -> list[Any]:
        return self._worker.do(batch)


class _Actors:
    """The actors of one worker, at most `engine.workers`; each is started when a batch waits for it."""

    def __init__(self, worker: Worker[Any, Any], engine: Engine) -> None:
        self.worker = worker
        self._engine = engine
        self._failed = 0
        self.starting: dict[Any, Any] = {}  # reference of its loading -> actor
        self.idle: list[Any] = []
        self._busy = 0

    def start(self, wanted: int) -> None:
        """Ask for as many more actors as batches wait for one, within the limit."""
        room = self._engine.workers - len(self.starting) - len(self.idle) - self._busy
        for _ in range(min(wanted - len(self.starting), room)):
            _connect(self._engine)
            remote: Any = ray.remote(_Remote)
            actor = remote.options(num_cpus=self._engine.cpus_per_worker, num_gpus=self._engine.gpus_per_worker).remote(
                self.worker, deterministic()
            )
            self.starting[actor.load.remote()] = actor

    def take(self) -> Any:
        """An idle actor, busy from now on."""
        self._busy += 1
        return self.idle.pop()

    def give_back(self, actor: Any) -> None:
        """A busy actor has done its batch."""
        self._busy -= 1
        self.idle.append(actor)

    def drop(self, actor: Any) -> None:
        """A busy actor is lost, or does what nobody wants any more."""
        self._busy -= 1
        ray.kill(actor)

    def started(self, reference: Any) -> None:
        """An actor that was asked for has loaded its worker, or could not."""
        actor = self.starting.pop(reference)
        try:
            _get(reference)
        except LOST as lost:
            self._failed += 1
            if self._failed >= ATTEMPTS:
                raise EngineError(f"{self._failed} actors ended while they loaded; Ray said: {_line(lost)}") from None
        else:
            self._failed = 0
            self.idle.append(actor)

    def end(self) -> None:
        """Give back the place of every actor that does nothing."""
        for actor in (*self.idle, *self.starting.values()):
            ray.kill(actor)
        self.idle.clear()
        self.starting.clear()

    def say_what_is_missing(self) -> None:
        """What is asked for, and what the cluster has."""
        has, asked = ray.cluster_resources(), self._engine
        print(
            f"engine: no worker yet; each needs {asked.cpus_per_worker:g} CPU and {asked.gpus_per_worker:g} GPU of one "
            f"machine (engine.cpus_per_worker, engine.gpus_per_worker); the cluster has {has.get('CPU', 0):g} CPU and "
            f"{has.get('GPU', 0):g} GPU in all",
            file=sys.stderr,
        )


_latest: _Actors | None = None


@dataclass
class _Task:
    number: int
    batch: Sequence[Any]
    attempts: int = 0


@dataclass
class _Run:
    actors: _Actors
    batches: Iterable[Sequence[Any]]
    cached: Cached[Any, Any] | None
    ahead: int  # batches taken whose results were not handed out yet
    _waiting: deque[_Task] = field(default_factory=deque[_Task])
    _at_work: dict[Any, tuple[Any, _Task]] = field(default_factory=dict[Any, tuple[Any, _Task]])
    _done: dict[int, list[Any]] = field(default_factory=dict[int, list[Any]])

    def results(self) -> Iterator[list[Any]]:
        try:
            yield from self._in_order()
        finally:
            for actor, _ in self._at_work.values():  # something raised, or nobody takes more results
                self.actors.drop(actor)

    def _in_order(self) -> Iterator[list[Any]]:
        rest = enumerate(self.batches)
        taken = out = 0
        while True:
            for number, batch in islice(rest, out + self.ahead - taken):
                taken += 1
                self._take(number, batch)
            while self._waiting and self.actors.idle:
                self._hand_over(self._waiting.popleft())
            self.actors.start(len(self._waiting))
            if out in self._done:
                yield self._done.pop(out)
                out += 1
            elif self._waiting or self._at_work:
                self._wait()
            else:
                return

    def _take(self, number: int, batch: Sequence[Any]) -> None:
        found = self.cached.get(batch) if self.cached else None
        if found is None:
            self._waiting.append(_Task(number, batch))
        else:
            self._done[number] = found

    def _hand_over(self, task: _Task) -> None:
        actor = self.actors.take()
        self._at_work[actor.do.remote(task.batch)] = (actor, task)

    def _wait(self) -> None:
        ready, _ = ray.wait([*self._at_work, *self.actors.starting], num_returns=1, timeout=PATIENCE)
        if not ready and not self._at_work:
            self.actors.say_what_is_missing()
        for reference in ready:
            if reference in self._at_work:
                self._finish(reference)
            else:
                self.actors.started(reference)

    def _finish(self, reference: Any) -> None:
        actor, task = self._at_work[reference]
        try:
            results = _get(reference)
        except LOST as lost:
            del self._at_work[reference]
            self.actors.drop(actor)
            self._try_again(task, lost)
            return
        del self._at_work[reference]
        self.actors.give_back(actor)
        if self.cached:
            self.cached.put(task.batch, results)
        self._done[task.number] = results

    def _try_again(self, task: _Task, lost: Exception) -> None:
        task.attempts += 1
        if task.attempts >= ATTEMPTS:
            raise EngineError(f"batch {task.number} ended {ATTEMPTS} actors in turn; Ray said: {_line(lost)}") from None
        self._waiting.appendleft(task)


def _get(reference: Any) -> Any:
    """The value; what a worker raised comes out as it was."""
    try:
        return ray.get(reference)
    except RayTaskError as error:
        raise (error.cause if isinstance(error.cause, Exception) else error) from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:500]


def _connect(engine: Engine) -> None:
    if ray.is_initialized():
        return
    root = Path.cwd()
    pinned: dict[str, str] = {}
    pin(pinned)
    try:
        ray.init(
            address=engine.address or "local",
            # every machine runs this project's code, with the instructions that this one has fixed
            runtime_env={"working_dir": str(root), "excludes": LEFT_OUT, "env_vars": pinned},
            include_dashboard=None if engine.address else False,
            configure_logging=False,
            log_to_driver=False,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise EngineError(
            f"engine.address in params.yaml is {engine.address!r}, and no Ray cluster answers there: {_line(error)}"
        ) from None
