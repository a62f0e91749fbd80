"""Wikipedia: the page image of every article that a keyword finds, in the keyword's own language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from culturebench.params.collect import WikipediaSource
from culturebench.progress import progress
from culturebench.sources.api import Api
from culturebench.sources.mediawiki import BATCH, MediaWiki, Page, search_hit_of
from culturebench.sources.queries import Query
from culturebench.sources.search_hit import SearchHit


def search_hits(api: Api, settings: WikipediaSource, queries: Sequence[Query]) -> Iterator[SearchHit]:
    """Free page images by query, each file once a language."""
    seen: set[tuple[str, str]] = set()
    for query in progress(queries, len(queries), "ask wikipedia"):
        wiki = MediaWiki(api, settings.url.replace("{language}", query.language), settings.width)
        articles: dict[str, Page] = {}
        for article in wiki.pages(_search(query.text, settings.per_query), settings.per_query):
            name = article.pageimage.replace("_", " ")
            title = f"File:{name}"
            if name and (query.language, title) not in seen:
                seen.add((query.language, title))
                articles[title] = article
        for title, page in wiki.files(list(articles)):
            article = articles.get(title)
            found_in = "" if article is None else article.fullurl or article.title
            yield search_hit_of(page, query.text, replace(query.about, found_in=found_in))


def _search(words: str, limit: int) -> dict[str, str]:
    search = {"generator": "search", "gsrsearch": words, "gsrnamespace": "0", "gsrlimit": str(min(limit, BATCH))}
    images = {"prop": "pageimages|info", "piprop": "name", "pilicense": "free", "pilimit": str(BATCH), "inprop": "url"}
    return {**search, **images}
