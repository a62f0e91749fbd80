"""`map_batches`: the same results in the same order, wherever the work is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, TypeVar

from culturebench.engine import local
from culturebench.engine.worker import Cached, Failure, Worker
from culturebench.progress import progress

if TYPE_CHECKING:
    from culturebench.params.engine import Engine

T = TypeVar("T")
R = TypeVar("R")

#: Where a local batch is done: in the stage's own process, as for a model; in threads, as for what waits for the
#: network; in processes, as for what computes in Python. Ray gives every worker a process of its own.
Place = Literal["here", "threads", "processes"]


def map_batches(
    worker: Worker[T, R],
    batches: Iterable[Sequence[T]],
    *,
    engine: Engine,
    label: str | None = None,
    total: int | None = None,
    cached: Cached[T, R] | None = None,
    place: Place = "here",
) -> Iterator[list[R | Failure]]:
    """The results of every batch in the order of `batches`; with a `label` also its progress (of `total` batches).

    With `cached`, a batch that was done before is not done again, and a run that is killed loses at most the batches
    that were at work. Batches are taken from the iterable a few at a time. What `worker` raises ends the work;
    `EngineError` when a batch ends every process that takes it, or when Ray cannot be used.
    """
    if engine.kind == "ray":
        from culturebench.engine import cluster  # Ray is an extra

        done = cluster.run(worker, batches, cached, engine)
    else:
        done = local.run(worker, batches, cached, engine.workers, place)
    yield from done if label is None else progress(done, total, label)
