"""Batches on this machine: one after the other, in threads, or in processes."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from culturebench.engine.worker import Cached, EngineError, Failure, Worker

T = TypeVar("T")
R = TypeVar("R")
#: Batches that wait, are at work or wait for their turn, for each thread or process.
AHEAD = 2
#: Batches that are computed and not yet finished or kept, each with its pictures in memory.
BEHIND = 2


def run(
    worker: Worker[T, R], batches: Iterable[Sequence[T]], cached: Cached[T, R] | None, workers: int, place: str
) -> Iterator[list[R | Failure]]:
    """The results of every batch in the order of `batches`."""
    if place == "here" and worker.finish:
        yield from _finished_beside(worker, cached, batches)
    elif place == "here" or workers == 1:
        for batch in batches:
            yield _do(worker, cached, batch)
    elif place == "threads":
        _ = worker.loaded  # once, and not in each thread
        with ThreadPoolExecutor(workers) as pool:
            yield from _ordered(pool, partial(_do, worker, cached), batches, workers * AHEAD)
    else:
        spawn = multiprocessing.get_context("spawn")  # a fork copies locks that threads of libraries hold
        with ProcessPoolExecutor(workers, spawn, _begin, (worker, cached)) as pool:
            try:
                yield from _ordered(pool, _do_in_process, batches, workers * AHEAD)
            except BrokenProcessPool:
                raise EngineError(
                    "a process that did a batch was ended from outside, as the system does when memory runs out; "
                    "lower engine.workers in params.yaml and run again"
                ) from None


def _do(worker: Worker[T, R], cached: Cached[T, R] | None, batch: Sequence[T]) -> list[R | Failure]:
    found = cached.get(batch) if cached else None
    if found is not None:
        return found
    return _finish(worker, cached, batch, worker.loaded(batch))


def _finished_beside(
    worker: Worker[T, R], cached: Cached[T, R] | None, batches: Iterable[Sequence[T]]
) -> Iterator[list[R | Failure]]:
    """A thread finishes and keeps a batch while this one computes the next; what it raises comes with its batch."""
    waiting: deque[Future[list[R | Failure]]] = deque()
    with ThreadPoolExecutor(1) as pool:  # its end waits, so that what was computed before a failure is kept
        for batch in batches:
            found = cached.get(batch) if cached else None
            if found is None:
                waiting.append(pool.submit(_finish, worker, cached, batch, worker.loaded(batch)))
                due = len(waiting) - BEHIND
            else:  # nothing to compute meanwhile
                due = len(waiting)
            for _ in range(due):
                yield waiting.popleft().result()
            if found is not None:
                yield found
        while waiting:
            yield waiting.popleft().result()


def _finish(
    worker: Worker[T, R], cached: Cached[T, R] | None, batch: Sequence[T], computed: Sequence[Any]
) -> list[R | Failure]:
    results = worker.finished(batch, computed)
    if cached:
        cached.put(batch, results)
    return results


def _ordered(
    pool: Executor, do: Callable[[Sequence[T]], list[R]], batches: Iterable[Sequence[T]], ahead: int
) -> Iterator[list[R]]:
    rest = iter(batches)
    waiting: deque[Future[list[R]]] = deque(pool.submit(do, batch) for batch in islice(rest, ahead))
    try:
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(do, batch) for batch in islice(rest, 1))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_in_process: Callable[[Sequence[Any]], list[Any]]


def _begin(worker: Worker[Any, Any], cached: Cached[Any, Any] | None) -> None:
    global _in_process
    _in_process = partial(_do, worker, cached)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that was killed cannot tell its processes to end."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do_in_process(batch: Sequence[Any]) -> list[Any]:
    return _in_process(batch)
