"""A source whose pictures lie on the web: it names them, they are fetched, and each becomes a row."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator

from culturebench.params.engine import Engine
from culturebench.sources.base import Found
from culturebench.sources.harvest import harvest
from culturebench.sources.search_hit import SearchHit
from culturebench.sources.snapshot import Outcome, Snapshot
from culturebench.web.client import Client


class Online:
    """Fetches what `search_hits` names for a region; pictures in `removed` (sha256) come without bytes."""

    def __init__(
        self,
        kind: str,
        search_hits: Callable[[str], Iterable[SearchHit]],
        client: Client,
        snapshot: Snapshot,
        removed: Collection[str],
        engine: Engine,
    ) -> None:
        self.kind = kind
        self._search_hits = search_hits
        self._client = client
        self._snapshot = snapshot
        self._removed = removed
        self._engine = engine

    def find(self, region: str) -> Iterator[Found]:
        """Every file once, in the order in which it was named, however the fetching went."""
        search_hits: dict[str, SearchHit] = {}
        for hit in self._search_hits(region):
            search_hits.setdefault(hit.file_url or hit.file_name, hit)
        urls = [hit.file_url for hit in search_hits.values() if not hit.error]
        label = f"fetch {self.kind} {region}"
        outcomes = harvest(urls, self._client, self._snapshot, self._removed, self._engine, label)
        for hit in search_hits.values():
            yield self._found(hit, outcomes[hit.file_url] if not hit.error else Outcome(error=hit.error))

    def _found(self, hit: SearchHit, outcome: Outcome) -> Found:
        data, error = None, outcome.error
        if outcome.sha256 in self._removed:
            error = "removed"
        elif outcome.sha256:
            data = self._snapshot.data(outcome.sha256)
            error = "" if data is not None else "lost"
        unread = hashlib.sha256(f"unread:{hit.file_url or hit.file_name}".encode()).hexdigest()
        return Found(
            file_name=hit.file_name,
            data=data,
            error=error,
            query=hit.query,
            page_url=hit.page_url,
            file_url=hit.file_url,
            author=hit.author,
            licence_text=hit.licence_text,
            about=hit.about,
            # Without bytes there is nothing to hash, and rows of one region need to be told apart.
            picture_id=None if data is not None else outcome.sha256 or unread,
        )
