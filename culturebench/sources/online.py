"""A source whose pictures lie on the web: it names them, they are fetched, and each becomes a row."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator

from culturebench.params.engine import Engine
from culturebench.sources.base import Found
from culturebench.sources.harvest import harvest
from culturebench.sources.lead import Lead
from culturebench.sources.snapshot import Outcome, Snapshot
from culturebench.web.client import Client


class Online:
    """Fetches what `leads` names for a region; pictures in `removed` (sha256) come without bytes."""

    def __init__(
        self,
        kind: str,
        leads: Callable[[str], Iterable[Lead]],
        client: Client,
        snapshot: Snapshot,
        removed: Collection[str],
        engine: Engine,
    ) -> None:
        self.kind = kind
        self._leads = leads
        self._client = client
        self._snapshot = snapshot
        self._removed = removed
        self._engine = engine

    def find(self, region: str) -> Iterator[Found]:
        """Every file once, in the order in which it was named, however the fetching went."""
        leads: dict[str, Lead] = {}
        for lead in self._leads(region):
            leads.setdefault(lead.file_url or lead.file_name, lead)
        urls = [lead.file_url for lead in leads.values() if not lead.error]
        label = f"fetch {self.kind} {region}"
        outcomes = harvest(urls, self._client, self._snapshot, self._removed, self._engine, label)
        for lead in leads.values():
            yield self._found(lead, outcomes[lead.file_url] if not lead.error else Outcome(error=lead.error))

    def _found(self, lead: Lead, outcome: Outcome) -> Found:
        data, error = None, outcome.error
        if outcome.sha256 in self._removed:
            error = "removed"
        elif outcome.sha256:
            data = self._snapshot.data(outcome.sha256)
            error = "" if data is not None else "lost"
        unread = hashlib.sha256(f"unread:{lead.file_url or lead.file_name}".encode()).hexdigest()
        return Found(
            file_name=lead.file_name,
            data=data,
            error=error,
            query=lead.query,
            page_url=lead.page_url,
            file_url=lead.file_url,
            author=lead.author,
            licence_text=lead.licence_text,
            metadata=lead.metadata,
            # Without bytes there is nothing to hash, and rows of one region need to be told apart.
            picture_id=None if data is not None else outcome.sha256 or unread,
        )
