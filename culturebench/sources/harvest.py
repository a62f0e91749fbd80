"""Fetching what was found: many hosts at once, few connections to each, nothing twice."""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urlsplit

from culturebench.engine.batches import map_batches
from culturebench.engine.worker import Failure, Worker
from culturebench.params.engine import Engine
from culturebench.progress import progress
from culturebench.sources.snapshot import Outcome, Snapshot
from culturebench.web.client import Client
from culturebench.web.failed import ASKED_TO_WAIT, Failed
from culturebench.web.picture import fetch_picture

#: Files in a batch, for each connection to its host.
EACH = 8


@dataclass(frozen=True)
class Fetched:
    """What became of one URL; `passing` tells that another run may succeed, `gone` that its host is given up."""

    outcome: Outcome
    passing: bool = False
    gone: bool = False


def harvest(
    urls: Iterable[str], client: Client, snapshot: Snapshot, removed: Collection[str], engine: Engine, label: str
) -> dict[str, Outcome]:
    """What became of every URL; what the snapshot has is not fetched again.

    Bytes whose sha256 is `removed` are thrown away as soon as they are known. With Ray, the store of the snapshot must
    be one that all machines share.
    """
    ordered = list(dict.fromkeys(urls))
    with ThreadPoolExecutor(client.rules.workers) as pool:
        cached = dict(zip(ordered, pool.map(lambda url: _cached(url, snapshot, removed), ordered), strict=True))
    missing = [url for url, outcome in cached.items() if outcome is None]
    fetched: dict[str, Outcome] = {}
    for url, found in progress(_fetch_all(missing, client, snapshot, removed, engine), len(missing), label):
        if found.passing:
            snapshot.cache_without_bytes(url, found.outcome, passing=True)
        fetched[url] = found.outcome
    return {url: cached[url] or fetched[url] for url in ordered}


def _cached(url: str, snapshot: Snapshot, removed: Collection[str]) -> Outcome | None:
    """The outcome of an earlier fetch, None when its bytes have been lost since."""
    outcome = snapshot.outcome(url)
    if outcome is None or outcome.error or outcome.sha256 in removed:
        return outcome
    return outcome if snapshot.data(outcome.sha256) is not None else None


def _fetch_all(
    urls: list[str], client: Client, snapshot: Snapshot, removed: Collection[str], engine: Engine
) -> Iterator[tuple[str, Fetched]]:
    """Round by round, in each of which one worker asks a host: side by side they would ask it too often."""
    rules = client.rules
    here = engine.kind == "local"
    worker = Worker(partial(_Fetcher, client, snapshot, frozenset(removed), here))
    if here:
        engine = engine.model_copy(update={"workers": max(1, rules.workers // rules.per_host)})
    waiting: dict[str, deque[str]] = defaultdict(deque)
    for url in urls:
        waiting[_host(url)].append(url)
    while waiting:
        batches = [[left.popleft() for _ in range(min(EACH * rules.per_host, len(left)))] for left in waiting.values()]
        done = map_batches(worker, batches, engine=engine, place="threads")
        for host, batch, results in zip(list(waiting), batches, done, strict=True):
            found = [result for result in results if not isinstance(result, Failure)]
            yield from zip(batch, found, strict=True)
            if found[-1].gone:
                yield from ((url, _LEFT_ALONE) for url in waiting[host])
                waiting[host].clear()
            if not waiting[host]:
                del waiting[host]


_LEFT_ALONE = Fetched(Outcome(error=ASKED_TO_WAIT), passing=True)


class _Fetcher:
    """Fetches a batch of one host's files and keeps each at once.

    Unless all batches are done `here`, each process has a client of its own, and a host's next batch may go to one that
    does not know when the host was asked last, or that it wants a pause: a batch then ends with waiting for that.
    """

    def __init__(self, client: Client, snapshot: Snapshot, removed: frozenset[str], here: bool) -> None:
        self._client, self._snapshot, self._removed, self._here = client, snapshot, removed, here

    def __call__(self, urls: Sequence[str]) -> list[Fetched]:
        rules = self._client.rules
        with ThreadPoolExecutor(min(rules.per_host, rules.workers)) as pool:
            found = list(pool.map(self._fetch, urls))
        gone = not self._here and not self._client.settle(_host(urls[0]))
        return [replace(each, gone=gone) for each in found]

    def _fetch(self, url: str) -> Fetched:
        try:
            data = fetch_picture(self._client, url)
        except Failed as failed:
            outcome = Outcome(error=failed.reason)
            if not failed.passing:
                self._snapshot.cache_without_bytes(url, outcome)
            return Fetched(outcome, failed.passing)
        digest = hashlib.sha256(data).hexdigest()
        if digest not in self._removed:
            return Fetched(self._snapshot.cache_file(url, data))
        outcome = Outcome(sha256=digest)
        self._snapshot.cache_without_bytes(url, outcome)
        return Fetched(outcome)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
