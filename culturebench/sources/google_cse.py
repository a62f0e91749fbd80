"""Google's Programmable Search for pictures; it says nothing about a picture's licence, so none is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import Field

from culturebench.params.collect import GoogleSource
from culturebench.progress import progress
from culturebench.sources.api import Answer, Api, Part
from culturebench.sources.geography import google_fields, unknown_to_google
from culturebench.sources.queries import Query
from culturebench.sources.search_hit import SearchHit, name_in


class _Image(Part):
    contextLink: str = ""


class _Item(Part):
    link: str = ""
    image: _Image = _Image()


class _Start(Part):
    startIndex: int


class _Queries(Part):
    nextPage: list[_Start] = Field(default_factory=list[_Start])


class _Reply(Answer):
    queries: _Queries = _Queries()
    items: list[_Item] = Field(default_factory=list[_Item])


def search_hits(
    api: Api, settings: GoogleSource, queries: Sequence[Query], key: str, iso: Sequence[str]
) -> Iterator[SearchHit]:
    """Pictures by query, each once; `key` goes into a header, so no URL holds it; `iso`: the region's countries."""
    unknown_to_google(settings.constraints, iso, queries)
    seen: set[str] = set()
    for query in progress(queries, len(queries), "ask google_cse"):
        for item in _items(api, settings, query, key, iso):
            if item.link and item.link not in seen:
                seen.add(item.link)
                yield SearchHit(
                    file_name=name_in(item.link),
                    file_url=item.link,
                    page_url=item.image.contextLink,
                    query=query.text,
                    about=query.about,
                )


def _items(api: Api, settings: GoogleSource, query: Query, key: str, iso: Sequence[str]) -> Iterator[_Item]:
    fixed = {"cx": settings.engine, "q": query.text, "searchType": "image", "safe": "active"}
    fixed |= google_fields(settings.constraints, iso, query)
    if settings.rights:
        fixed["rights"] = settings.rights
    start = 1
    while start <= settings.per_query:
        num = min(settings.per_request, settings.per_query - start + 1)
        reply = api.ask(_Reply, settings.url, {**fixed, "num": str(num), "start": str(start)}, {"X-Goog-Api-Key": key})
        yield from reply.items[:num]
        following = reply.queries.nextPage
        if not reply.items or not following or following[0].startIndex <= start:
            return
        start = following[0].startIndex
