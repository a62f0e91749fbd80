"""The API of MediaWiki, which Commons and Wikipedia share: paging, files, licences and authors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import quote, unquote

from pydantic import BeforeValidator, Field

from culturebench.engine.worker import fitting
from culturebench.sources.api import Answer, Api, Part, without_nulls
from culturebench.sources.base import About
from culturebench.sources.search_hit import SearchHit, licence_text, plain
from culturebench.web.failed import Failed

#: Titles or results that one request may name, without a bot's rights.
BATCH: Final = 50
#: Types that a picture may have; of the others (sound, video, documents) nothing is fetched.
_PICTURES: Final = {"image/jpeg", "image/png", "image/webp", "image/gif", "image/tiff", "image/bmp"}
_LATER: Final = {"maxlag", "ratelimited", "readonly", "internal_api_error_DBQueryError"}
_MAX_PAGES: Final = 200
#: Characters of titles in one address; servers refuse addresses of more than about 8,000 in all.
_MAX_ADDRESS: Final = 6_000
_FILE: Final = {
    "iiprop": "url|size|mime|extmetadata",
    "iiextmetadatafilter": "LicenseShortName|LicenseUrl|UsageTerms|Artist|Credit",
    "iiextmetadatalanguage": "en",
}


class _Text(Part):
    value: Any = ""


class FileInfo(Part):
    """`imageinfo` of one file: where it is and what its page says; `extmetadata` is HTML."""

    url: str = ""
    thumburl: str = ""
    descriptionurl: str = ""
    mime: str = ""
    extmetadata: Annotated[dict[str, _Text] | list[Any], BeforeValidator(without_nulls)] = Field(
        default_factory=dict[str, _Text]
    )

    def said(self, name: str) -> str:
        """A field of the description page as text; MediaWiki writes no fields as an empty list."""
        fields = self.extmetadata if isinstance(self.extmetadata, dict) else {}
        value = fields[name].value if name in fields else ""
        return plain(str(value)) if isinstance(value, str | int | float) else ""


class Page(Part):
    """A page that a query found; `index` is its place in a search's order."""

    title: str
    ns: int = 0
    index: int = 0
    imageinfo: list[FileInfo] = Field(default_factory=list[FileInfo])
    pageimage: str = ""
    fullurl: str = ""


class _Normalized(Part):
    asked: str = Field(alias="from")
    to: str
    fromencoded: bool = False

    @property
    def as_asked(self) -> str:
        return unquote(self.asked) if self.fromencoded else self.asked


class _Query(Part):
    normalized: list[_Normalized] = Field(default_factory=list[_Normalized])
    pages: list[Page] = Field(default_factory=list[Page])
    search: list[Page] = Field(default_factory=list[Page])
    categorymembers: list[Page] = Field(default_factory=list[Page])


class _Error(Part):
    code: str
    info: str = ""


class _Reply(Answer):
    query: _Query = _Query()
    more: dict[str, str | int] = Field(default_factory=dict[str, str | int], alias="continue")
    batchcomplete: bool = False
    error: _Error | None = None

    def check(self) -> None:
        if self.error is not None:
            passing = self.error.code in _LATER
            raise Failed(self.error.code, f"the wiki says: {plain(self.error.info)[:200]}", passing=passing)


class MediaWiki:
    """One wiki's `api.php`; pictures are asked for at no more than `width` pixels of width."""

    def __init__(self, api: Api, url: str, width: int) -> None:
        self._api = api
        self._url = url
        self._width = width

    def pages(self, params: Mapping[str, str], limit: int, asked: dict[str, str] | None = None) -> Iterator[Page]:
        """At most `limit` pages of a generator with their properties, in its order.

        `asked` is filled with the title that was asked for, by the one that the wiki gives instead.
        """
        merged: dict[str, Page] = {}
        given = 0
        for reply in self._replies(params):
            if asked is not None:
                asked.update((one.to, one.as_asked) for one in reply.query.normalized)
            for page in reply.query.pages:
                merged[page.title] = _merge(merged.get(page.title), page)
            # Properties of one batch of pages may come in several replies.
            if not reply.batchcomplete and reply.more:
                continue
            for page in sorted(merged.values(), key=lambda page: (page.index, page.title)):
                if given == limit:
                    return
                given += 1
                yield page
            merged.clear()

    def titles(self, kind: str, params: Mapping[str, str], limit: int) -> list[str]:
        """At most `limit` titles of the list `search` or `categorymembers`."""
        found: list[str] = []
        for reply in self._replies({"list": kind, **params}):
            pages = reply.query.search if kind == "search" else reply.query.categorymembers
            found += [page.title for page in pages]
            if len(found) >= limit:
                break
        return found[:limit]

    def search_files(self, words: str, limit: int) -> Iterator[Page]:
        """Files (namespace 6) that a full-text search finds, pictures only."""
        search = {"generator": "search", "gsrsearch": f"{words} filetype:bitmap", "gsrnamespace": "6"}
        return self.pages({**search, "gsrlimit": str(min(limit, BATCH)), **self._file()}, limit)

    def category_files(self, category: str, limit: int) -> Iterator[Page]:
        """Files that stand in a category, given as `Category:…`."""
        members = {"generator": "categorymembers", "gcmtitle": category, "gcmtype": "file"}
        return self.pages({**members, "gcmlimit": str(min(limit, BATCH)), **self._file()}, limit)

    def files(self, titles: Sequence[str]) -> Iterator[tuple[str, Page]]:
        """The named files (`File:…`), each after its title as it was asked for, in the order of the wiki's own titles.

        What a title is in the wiki's own writing (Unicode form, first letter, namespace) only the wiki knows.
        """
        for batch in _batches(titles):
            asked: dict[str, str] = {}
            params = {"titles": "|".join(batch), **self._file()}
            for page in self.pages(params, len(batch), asked):
                yield asked.get(page.title, page.title), page

    def _file(self) -> dict[str, str]:
        return {"prop": "imageinfo", "iiurlwidth": str(self._width), **_FILE}

    def _replies(self, params: Mapping[str, str]) -> Iterator[_Reply]:
        asked = {"action": "query", "format": "json", "formatversion": "2", "maxlag": "5", **params}
        more: dict[str, str] = {}
        for _ in range(_MAX_PAGES):
            reply = self._api.ask(_Reply, self._url, {**asked, **more})
            yield reply
            following = {key: str(value) for key, value in reply.more.items()}
            if not following or following == more:
                return
            more = following


def _batches(titles: Sequence[str]) -> Iterator[list[str]]:
    """Titles that fit into one request, by their number and by the length of its address."""
    return fitting(titles, lambda title: len(quote(title)) + len("%7C"), _MAX_ADDRESS, BATCH)


def _merge(known: Page | None, page: Page) -> Page:
    if known is None:
        return page
    return page if page.imageinfo or not known.imageinfo else known


def search_hit_of(page: Page, query: str, about: About) -> SearchHit:
    """What is known of a file page: the wiki's own rendering of it as file, and its description page."""
    name = page.title.partition(":")[2]
    if not page.imageinfo:
        return SearchHit(file_name=name, file_url="", query=query, about=about, error="missing")
    info = page.imageinfo[0]
    return SearchHit(
        file_name=name,
        file_url=info.thumburl or info.url,
        page_url=info.descriptionurl,
        author=info.said("Artist") or info.said("Credit"),
        licence_text=licence_text(info.said("LicenseShortName"), info.said("LicenseUrl"), info.said("UsageTerms")),
        query=query,
        about=about,
        error="" if info.mime in _PICTURES else "unsupported_format",
    )
