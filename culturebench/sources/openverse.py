"""Openverse: openly licensed pictures of many collections."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from culturebench.params.collect import OpenverseSource
from culturebench.progress import progress
from culturebench.sources.api import Answer, Api, Part
from culturebench.sources.geography import with_country
from culturebench.sources.queries import Query
from culturebench.sources.search_hit import SearchHit

TOKEN: Final = "OPENVERSE_ACCESS_TOKEN"
#: The largest page that a request without a token is given.
_PAGE: Final = 20
#: Pictures of one query that are given without a token, and with one; a request beyond is an error.
_ANONYMOUS: Final = 240
_MOST: Final = 10_000
_NAMES: Final = {"cc0": "CC0", "pdm": "PDM"}


class _Result(Part):
    id: str = ""
    title: str | None = None
    foreign_landing_url: str | None = None
    url: str | None = None
    creator: str | None = None
    license: str = ""
    license_version: str | None = None
    license_url: str | None = None
    source: str | None = None


class _Reply(Answer):
    page_count: int
    results: list[_Result]


def search_hits(
    api: Api, settings: OpenverseSource, queries: Sequence[Query], token: str | None, iso: Sequence[str]
) -> Iterator[SearchHit]:
    """Pictures by query, each once; with a `token` Openverse lets one ask more often and for more.

    `iso` are the region's countries.
    """
    secret = {"Authorization": f"Bearer {token}"} if token else {}
    limit = min(settings.per_query, _MOST if token else _ANONYMOUS)
    if limit < settings.per_query:
        told = "" if token else f"; with a token in {TOKEN} more"
        print(f"openverse gives {limit} pictures of a query, not {settings.per_query}{told}", file=sys.stderr)
    seen: set[str] = set()
    for query in progress(queries, len(queries), "ask openverse"):
        words = with_country(iso, query) if "country" in settings.constraints else query.text
        for result in _results(api, settings.url, words, limit, secret):
            if result.url and result.url not in seen:
                seen.add(result.url)
                yield _search_hit(result, query)


def _results(api: Api, url: str, words: str, limit: int, secret: dict[str, str]) -> Iterator[_Result]:
    given, page, pages = 0, 1, 1
    while page <= pages:
        params = {"q": words, "page": str(page), "page_size": str(_PAGE)}
        reply = api.ask(_Reply, url, params, secret)
        for result in reply.results:
            if given == limit:
                return
            given += 1
            yield result
        if given == limit or not reply.results:
            return
        page, pages = page + 1, reply.page_count


def _search_hit(result: _Result, query: Query) -> SearchHit:
    code = result.license.lower()
    family = _NAMES.get(code, f"CC {code.upper()}" if code else "")
    licence = f"{family} {result.license_version or ''}".strip()
    return SearchHit(
        file_name=f"{result.id} {result.title or ''}".strip(),
        file_url=result.url or "",
        page_url=result.foreign_landing_url or "",
        author=result.creator or "",
        licence_text=licence or result.license_url or "",
        query=query.text,
        about=replace(query.about, found_in=result.source or ""),
    )
