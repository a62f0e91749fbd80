"""Wikimedia Commons: a full-text search for every keyword, and a walk through the categories that it finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from culturebench.params.collect import CommonsSource
from culturebench.progress import progress
from culturebench.sources.api import Api
from culturebench.sources.geography import commons_words
from culturebench.sources.mediawiki import BATCH, MediaWiki, Page, search_hit_of
from culturebench.sources.queries import Query
from culturebench.sources.search_hit import SearchHit


def search_hits(api: Api, settings: CommonsSource, queries: Sequence[Query], iso: Sequence[str]) -> Iterator[SearchHit]:
    """Files by query, those of the search before those of categories, each file once; `iso`: the region's countries."""
    wiki = MediaWiki(api, settings.url, settings.width)
    seen: set[str] = set()
    for query in progress(queries, len(queries), "ask commons"):
        narrowed = commons_words(api, settings.sparql, settings.constraints, iso, query)
        for page, category in _pages(wiki, settings, query, narrowed):
            if page.title not in seen:
                seen.add(page.title)
                yield search_hit_of(page, query.text, replace(query.about, found_in=category))


def _pages(wiki: MediaWiki, settings: CommonsSource, query: Query, narrowed: str) -> Iterator[tuple[Page, str]]:
    """Pages, each with the category in which it was found; none of a category where the search is narrowed."""
    for page in wiki.search_files(query.text + narrowed, settings.per_query):
        yield page, ""
    if not settings.categories or narrowed:
        return
    search = {"srsearch": query.text, "srnamespace": "14", "srlimit": str(settings.categories), "srprop": ""}
    left = settings.per_query
    for category in _walk(wiki, wiki.titles("search", search, settings.categories), settings.depth):
        if left == 0:
            return
        for page in wiki.category_files(category, left):
            left -= 1
            yield page, category.partition(":")[2]


def _walk(wiki: MediaWiki, roots: Sequence[str], depth: int) -> Iterator[str]:
    """Categories level by level; one that is its own descendant, as there are on Commons, comes once."""
    seen = set(roots)
    level = list(roots)
    for _ in range(depth + 1):
        yield from level
        below: list[str] = []
        for category in level:
            members = {"cmtitle": category, "cmtype": "subcat", "cmlimit": str(BATCH)}
            below += [title for title in wiki.titles("categorymembers", members, BATCH) if title not in seen]
            seen.update(below)
        level = below
