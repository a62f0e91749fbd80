"""A list of pictures on the web: a manifest as a folder has one, whose column `file` holds URLs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from culturebench.params.collect import UrlsSource
from culturebench.sources.base import About, SourceError
from culturebench.sources.manifest import Entry, read_manifest
from culturebench.sources.search_hit import SearchHit, name_in


def search_hits(settings: UrlsSource, region: str) -> Iterator[SearchHit]:
    """The lines of one region in the order of their URLs; `SourceError` for a wrong manifest."""
    for entry in read_urls(settings):
        if (entry.region or settings.region) == region:
            yield _search_hit(entry, settings)


def read_urls(settings: UrlsSource) -> list[Entry]:
    """Every line in the order of their URLs; `SourceError` for a wrong manifest, or a line without any region."""
    path = Path(settings.path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"collect.sources: {settings.path!r} cannot be read: {error.strerror}") from None
    entries = read_manifest(path.name, data)
    for entry in entries:
        if not entry.region and settings.region is None:
            raise SourceError(
                f"{path.name}:{entry.line}: `region` is empty; fill it in, or set `region` for the whole source"
            )
    return sorted(entries, key=lambda entry: entry.file)


def _search_hit(entry: Entry, settings: UrlsSource) -> SearchHit:
    return SearchHit(
        file_name=name_in(entry.file),
        file_url=entry.file,
        page_url=entry.source_url,
        author=entry.author or settings.author,
        licence_text=entry.licence or settings.licence,
        query=Path(settings.path).name,
        about=About(category=entry.category, captions=entry.captions),
    )
