"""What does batches, what an item that failed is, and how done batches are cached."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Generic, TypeVar

from culturebench.errors import CultureBenchError, said
from culturebench.store import Store

T = TypeVar("T")
R = TypeVar("R")


class EngineError(CultureBenchError):
    """Work that nobody can do: Ray is missing or out of reach, or a batch ends whoever takes it."""


@dataclass(frozen=True)
class Failure:
    """Stands in the place of an item's result: the kind of exception, and its message on one line."""

    error: str
    message: str


class Worker(Generic[T, R]):
    """What does batches. `load` gives a function of a batch, and is called once in every process that works.

    The function returns as many results as it was given items, `Failure` for an item that could not be done. With
    `finish` it returns something else, of which `finish` makes the results: the part that needs no model, and that
    another thread may do while the next batch is computed.
    """

    def __init__(
        self,
        load: Callable[[], Callable[[Sequence[T]], Sequence[Any]]],
        finish: Callable[[Sequence[Any]], Sequence[R | Failure]] | None = None,
    ) -> None:
        self._load, self.finish = load, finish
        self._loaded: Callable[[Sequence[T]], Sequence[Any]] | None = None

    @property
    def loaded(self) -> Callable[[Sequence[T]], Sequence[Any]]:
        """The function of this process."""
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    @property
    def is_loaded(self) -> bool:
        """Whether this process has it."""
        return self._loaded is not None

    def do(self, batch: Sequence[T]) -> list[R | Failure]:
        """The results of one batch."""
        return self.finished(batch, self.loaded(batch))

    def finished(self, batch: Sequence[T], computed: Sequence[Any]) -> list[R | Failure]:
        """The results of one batch, of what `loaded` made of it."""
        results = list(self.finish(computed) if self.finish else computed)
        if len(results) != len(batch):
            raise EngineError(f"a worker returned {len(results)} results for {len(batch)} items")
        return results

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process loads for itself."""
        return Worker, (self._load, self.finish)


def each(function: Callable[[T], R], *errors: type[Exception]) -> Worker[T, R]:
    """A worker that applies `function` to every item; an item that raises one of `errors` is a `Failure`."""
    return Worker(partial(_Each, function, errors))


class _Each(Generic[T, R]):
    def __init__(self, function: Callable[[T], R], errors: tuple[type[Exception], ...]) -> None:
        self._function = function
        self._errors = errors

    def __call__(self, batch: Sequence[T]) -> list[R | Failure]:
        return [self._one(item) for item in batch]

    def _one(self, item: T) -> R | Failure:
        try:
            return self._function(item)
        except self._errors as error:
            return Failure(type(error).__name__, said(error))


@dataclass(frozen=True)
class Cached(Generic[T, R]):
    """Where done batches are cached: `key` is the hash of all that determines a batch's results.

    A batch with a `Failure` is not cached, so that the next run tries it again.
    """

    store: Store
    key: Callable[[Sequence[T]], str]
    dump: Callable[[list[R]], bytes]
    load: Callable[[bytes], list[R]]

    def get(self, batch: Sequence[T]) -> list[R | Failure] | None:
        """The cached results, None when there are none."""
        content = self.store.get(self.key(batch))
        return None if content is None else [*self.load(content)]

    def put(self, batch: Sequence[T], results: Sequence[R | Failure]) -> None:
        """Keep the results, if all items were done."""
        whole = [result for result in results if not isinstance(result, Failure)]
        if len(whole) == len(results):
            self.store.put(self.key(batch), self.dump(whole))


def in_batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of `size`, the last one shorter."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def fitting(items: Iterable[T], size: Callable[[T], int], most: int, count: int) -> Iterator[list[T]]:
    """Batches of at most `count` items whose sizes sum to at most `most`, or of one that is larger alone."""
    batch: list[T] = []
    taken = 0
    for item in items:
        needed = size(item)
        if batch and (len(batch) == count or taken + needed > most):
            yield batch
            batch, taken = [], 0
        batch.append(item)
        taken += needed
    if batch:
        yield batch
