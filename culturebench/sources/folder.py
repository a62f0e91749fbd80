"""A folder of files as a source: named by a manifest, or sorted into one subfolder per region."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from culturebench.params.collect import FROM_MANIFEST, FolderSource
from culturebench.sources.base import About, Found, SourceError
from culturebench.sources.manifest import Entry, read_manifest
from culturebench.sources.safe_path import Refused, printable, read_inside, walk

_MANIFESTS = ("manifest.csv", "manifest.jsonl")
_MAX_MANIFEST_BYTES = 1_000_000_000


class Folder:
    """Reads `params.path`; whatever cannot be read becomes a `Found` with the reason."""

    kind = "folder"

    def __init__(self, params: FolderSource) -> None:
        self._params = params
        self._root = Path(params.path)
        if not _readable(self._root):
            told = "is no folder that can be read; give the path of an existing one"
            raise SourceError(f"collect.sources: {params.path!r} {told}")

    def find(self, region: str) -> Iterator[Found]:
        """The files of one region in the order of their names; `SourceError` for a wrong manifest."""
        for entry in self._entries(region):
            yield self._found(entry, region)

    @property
    def manifest(self) -> str | None:
        """The name of the manifest in the folder, None without one."""
        if self._params.manifest is not None:
            return self._params.manifest
        return next((name for name in _MANIFESTS if (self._root / name).is_file()), None)

    def named(self) -> Iterator[tuple[str, str]]:
        """Every file that the source knows, with the region as it is written there: "" for none."""
        everything = self._params.region
        if self.manifest is not None:
            entries = read_manifest(self.manifest, self._read_manifest(self.manifest))
            if everything == FROM_MANIFEST:
                self._refuse_without_region(self.manifest, entries)
            own = None if everything == FROM_MANIFEST else everything
            yield from ((entry.file, own or entry.region) for entry in entries)
        elif everything != FROM_MANIFEST:
            yield from ((name, everything) for name in walk(self._root))
        else:
            for name in walk(self._root):
                region, inside, _ = name.partition("/")
                yield name, region if inside else ""

    def unnamed(self) -> Iterator[str]:
        """The files that lie in the folder and in no line of its manifest; none without one."""
        if self.manifest is not None:
            known = {name for name, _ in self.named()} | {self.manifest}
            yield from (name for name in walk(self._root) if name not in known)

    def _entries(self, region: str) -> list[Entry]:
        everything = self._params.region
        if everything not in (FROM_MANIFEST, region):
            return []
        manifest = self.manifest
        if manifest is not None:
            entries = read_manifest(manifest, self._read_manifest(manifest))
            if everything == FROM_MANIFEST:
                self._refuse_without_region(manifest, entries)
                entries = [entry for entry in entries if entry.region == region]
            return sorted(entries, key=lambda entry: entry.file)
        if everything == region:
            return [Entry(0, name) for name in walk(self._root)]
        return self._subfolder(region)

    def _read_manifest(self, name: str) -> bytes:
        try:
            return read_inside(self._root, name, _MAX_MANIFEST_BYTES)
        except Refused as refused:
            raise SourceError(f"collect.sources: the manifest of {self._params.path!r}: {refused}") from None

    def _refuse_without_region(self, manifest: str, entries: list[Entry]) -> None:
        for entry in entries:
            if not entry.region:
                raise SourceError(
                    f"{manifest}:{entry.line}: `region` is empty; fill it in, or set one region for the whole source"
                )

    def _subfolder(self, region: str) -> list[Entry]:
        place = self._root / region
        if place.is_symlink() or not place.is_dir():
            return []
        if not _readable(place):
            return [Entry(0, region)]
        return [Entry(0, f"{region}/{name}") for name in walk(place)]

    def _found(self, entry: Entry, region: str) -> Found:
        name = printable(entry.file)
        data, error = None, ""
        try:
            data = read_inside(self._root, entry.file, self._params.max_bytes)
        except Refused as refused:
            error = refused.reason
        return Found(
            file_name=name,
            data=data,
            error=error,
            query=f"folder {region}",
            page_url=entry.source_url,
            author=entry.author or self._params.author,
            licence_text=entry.licence or self._params.licence,
            about=About(category=entry.category, captions=entry.captions),
            # Without bytes there is nothing to hash, and rows of one region need to be told apart.
            picture_id=None if data is not None else hashlib.sha256(f"unread:{name}".encode()).hexdigest(),
        )


def _readable(folder: Path) -> bool:
    try:
        os.close(os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
    except OSError:
        return False
    return True
