"""Fetching what was found: many hosts at once, few connections to each, nothing twice."""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from urllib.parse import urlsplit

from culturebench.progress import progress
from culturebench.sources.snapshot import Outcome, Snapshot
from culturebench.web.client import Client
from culturebench.web.failed import Failed
from culturebench.web.picture import fetch_picture


def harvest(
    urls: Iterable[str], client: Client, snapshot: Snapshot, removed: Collection[str], label: str
) -> dict[str, Outcome]:
    """What became of every URL; what the snapshot has is not fetched again.

    Bytes whose sha256 is `removed` are thrown away as soon as they are known.
    """
    ordered = list(dict.fromkeys(urls))
    with ThreadPoolExecutor(client.rules.workers) as pool:
        kept = dict(zip(ordered, pool.map(lambda url: _kept(url, snapshot, removed), ordered), strict=True))
        missing = [url for url, outcome in kept.items() if outcome is None]
        news = _fetch_all(missing, pool, client, snapshot, removed)
        fetched = dict(progress(news, len(missing), label)) if missing else {}
    return {url: kept[url] or fetched[url] for url in ordered}


def _kept(url: str, snapshot: Snapshot, removed: Collection[str]) -> Outcome | None:
    """The outcome of an earlier fetch, None when its bytes have been lost since."""
    outcome = snapshot.outcome(url)
    if outcome is None or outcome.error or outcome.sha256 in removed:
        return outcome
    return outcome if snapshot.data(outcome.sha256) is not None else None


def _fetch_all(
    urls: list[str], pool: ThreadPoolExecutor, client: Client, snapshot: Snapshot, removed: Collection[str]
) -> Iterator[tuple[str, Outcome]]:
    waiting: dict[str, deque[str]] = defaultdict(deque)
    for url in urls:
        waiting[_host(url)].append(url)
    running: dict[Future[Outcome], tuple[str, str]] = {}
    busy: dict[str, int] = defaultdict(int)
    while waiting or running:
        for host in list(waiting):
            while waiting[host] and busy[host] < client.rules.per_host and len(running) < client.rules.workers:
                url = waiting[host].popleft()
                busy[host] += 1
                running[pool.submit(_fetch, url, client, snapshot, removed)] = host, url
            if not waiting[host]:
                del waiting[host]
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            host, url = running.pop(future)
            busy[host] -= 1
            yield url, future.result()


def _fetch(url: str, client: Client, snapshot: Snapshot, removed: Collection[str]) -> Outcome:
    try:
        data = fetch_picture(client, url)
    except Failed as failed:
        outcome = Outcome(error=failed.reason)
        snapshot.keep_without_bytes(url, outcome, passing=failed.passing)
        return outcome
    digest = hashlib.sha256(data).hexdigest()
    if digest not in removed:
        return snapshot.keep_file(url, data)
    outcome = Outcome(sha256=digest)
    snapshot.keep_without_bytes(url, outcome)
    return outcome


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""
