"""Every source on the web, ready to be asked for one region."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import partial

from culturebench.params.collect import (
    CommonsSource,
    GoogleSource,
    OnlineSource,
    OpenverseSource,
    UrlsSource,
    Web,
    WikidataSource,
    WikipediaSource,
)
from culturebench.params.engine import Engine
from culturebench.sources import commons, google_cse, openverse, urls, wikidata, wikipedia
from culturebench.sources.api import Api
from culturebench.sources.base import SourceError
from culturebench.sources.online import Online
from culturebench.sources.queries import Asked, queries
from culturebench.sources.search_hit import SearchHit
from culturebench.sources.snapshot import Snapshot
from culturebench.web.client import Client

GOOGLE_KEY = "GOOGLE_API_KEY"

Secret = Callable[[str], str | None]


class OnlineSources:
    """Opens sources for one region; `with` ends the connections of all of them.

    `secret` gives a key by its name, or None.
    """

    def __init__(
        self,
        rules: Web,
        snapshot: Snapshot,
        region: Asked,
        removed: Collection[str],
        secret: Secret,
        engine: Engine,
    ) -> None:
        self._snapshot = snapshot
        self._region = region
        self._removed = removed
        self._secret = secret
        self._engine = engine
        self._client = Client(rules)

    def __enter__(self) -> OnlineSources:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.__exit__()

    def open(self, settings: OnlineSource) -> Online:
        """The source that `settings` describe; `SourceError` when its key is not in the environment."""
        search_hits = self._search_hits(settings)
        return Online(settings.kind, search_hits, self._client, self._snapshot, self._removed, self._engine)

    def seal(self) -> None:
        """From now on the snapshot's label gives the same without the web, failures included."""
        self._snapshot.seal()

    def _search_hits(self, settings: OnlineSource) -> Callable[[str], Iterable[SearchHit]]:
        api, words = Api(self._client, self._snapshot), queries(self._region)
        match settings:
            case UrlsSource():
                return partial(urls.search_hits, settings)
            case CommonsSource():
                return lambda _: commons.search_hits(api, settings, words, self._region.iso)
            case WikidataSource():
                return lambda _: wikidata.search_hits(api, settings, self._region.iso)
            case WikipediaSource():
                return lambda _: wikipedia.search_hits(api, settings, words)
            case OpenverseSource():
                token = self._secret(openverse.TOKEN)
                return lambda _: openverse.search_hits(api, settings, words, token, self._region.iso)
            case GoogleSource():
                key = self._secret(GOOGLE_KEY)
                if not key:
                    raise SourceError(f"the source google_cse needs {GOOGLE_KEY} in the environment; set it there")
                return lambda _: google_cse.search_hits(api, settings, words, key, self._region.iso)
