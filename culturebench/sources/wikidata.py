"""Wikidata: pictures (P18) of the things of a class that a country has or comes from, as files of Commons."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from culturebench.params.collect import WikidataSource
from culturebench.progress import progress
from culturebench.sources.api import Answer, Api, Part, TooSlow
from culturebench.sources.base import About
from culturebench.sources.mediawiki import MediaWiki, search_hit_of
from culturebench.sources.search_hit import SearchHit

# P297: ISO 3166-1 code; P17: country; P495: country of origin; P31, P279: instance and subclass of; P18: image.
# ORDER BY makes LIMIT and OFFSET pages of one list.
_SPARQL = """SELECT DISTINCT ?item ?image WHERE {
  VALUES ?iso { %(iso)s }
  ?country wdt:P297 ?iso .
  { ?item wdt:P17 ?country . } UNION { ?item wdt:P495 ?country . }
  ?item (wdt:P31|wdt:P279)/wdt:P279* wd:%(kind)s .
  ?item wdt:P18 ?image .
} ORDER BY ?item ?image LIMIT %(limit)d OFFSET %(offset)d"""


class _Value(Part):
    value: str


class _Binding(Part):
    item: _Value
    image: _Value


class _Bindings(Part):
    bindings: list[_Binding]


class _Reply(Answer):
    results: _Bindings


def search_hits(api: Api, settings: WikidataSource, iso: Sequence[str]) -> Iterator[SearchHit]:
    """Files by class; what Commons says of each is asked there."""
    wiki = MediaWiki(api, settings.commons_url, settings.width)
    asked = [(category, kind) for category, kinds in settings.classes.items() for kind in kinds]
    seen: set[str] = set()
    late: list[str] = []
    for category, kind in progress(asked, len(asked), "ask wikidata"):
        items: dict[str, str] = {}
        try:
            found = list(_bindings(api, settings, iso, kind))
        except TooSlow as error:
            late.append(kind)
            if len(late) == len(asked):
                raise
            told = "nothing of it is collected; name narrower classes in collect.sources"
            print(f"wikidata: {kind} of {' '.join(iso)}: {error}; {told}", file=sys.stderr)
            continue
        for binding in found:
            title = _title(binding.image.value)
            if title not in seen:
                seen.add(title)
                items[title] = binding.item.value.rpartition("/")[2]
        for title, page in wiki.files(list(items)):
            about = About(category=category, found_in=items.get(title, ""))
            yield search_hit_of(page, f"{kind} of {' '.join(iso)}", about)


def _bindings(api: Api, settings: WikidataSource, iso: Sequence[str], kind: str) -> Iterator[_Binding]:
    codes = " ".join(f'"{code}"' for code in iso)
    for offset in range(0, settings.per_query, settings.page):
        limit = min(settings.page, settings.per_query - offset)
        query = _SPARQL % {"iso": codes, "kind": kind, "limit": limit, "offset": offset}
        found = api.ask(_Reply, settings.url, {"query": query, "format": "json"}).results.bindings
        yield from found
        if len(found) < limit:
            return


def _title(image: str) -> str:
    """`File:…` of `http://commons.wikimedia.org/wiki/Special:FilePath/…`; its first letter is the wiki's affair."""
    return f"File:{unquote(image.rpartition('/Special:FilePath/')[2]).replace('_', ' ').strip()}"
