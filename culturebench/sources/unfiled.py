"""Files that a folder or a manifest names for no region of the run: nobody would ever ask for them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from culturebench.params.collect import FolderSource, UrlsSource
from culturebench.sources.folder import Folder
from culturebench.sources.safe_path import printable
from culturebench.sources.urls import read_urls

if TYPE_CHECKING:
    from culturebench.artifacts.unfiled import UnfiledRow


@dataclass(frozen=True)
class Unfiled:
    """One file, the region that it is filed under as it is written there, and why that is none of the run."""

    file_name: str
    region: str
    reason: str
    detail: str


def unfiled(settings: FolderSource | UrlsSource, regions: Sequence[str]) -> list[Unfiled]:
    """The files of one source that are of none of `regions`; `SourceError` for a wrong manifest."""
    if isinstance(settings, UrlsSource):
        named = [(entry.file, entry.region or settings.region or "") for entry in read_urls(settings)]
        return list(_judged(named, settings.regions, regions))
    folder = Folder(settings)
    named = [(printable(name), region) for name, region in folder.named()]
    left = [
        Unfiled(printable(name), "", "not_in_manifest", f"{folder.manifest} has no line for it")
        for name in folder.unnamed()
    ]
    return [*_judged(named, settings.regions, regions), *left]


def _judged(
    named: Collection[tuple[str, str]], asked: Collection[str] | None, regions: Sequence[str]
) -> Iterator[Unfiled]:
    known = ", ".join(regions)
    for name, region in named:
        if not region:
            yield Unfiled(name, "", "no_region", f"it lies in no subfolder that is called by a region: {known}")
        elif region not in regions:
            meant = [code for code in regions if code == region.casefold()]
            hint = f"; {meant[0]} is meant by small letters" if meant else ""
            yield Unfiled(name, region, "unknown_region", f"{region} is none of `regions`: {known}{hint}")
        elif asked is not None and region not in asked:
            yield Unfiled(name, region, "region_not_asked", f"`regions` of the source are {', '.join(asked)}")


def describe(path: Path, found: Sequence[UnfiledRow]) -> str:
    """One line on rows of the artifact at `path`: how many files they are, and what to change."""
    if not found:
        return "every file of the sources is of a region"
    first = found[0]
    return (
        f"{len(found)} files are of no region, such as {first['file_name']} ({first['reason']}: {first['detail']}); "
        f"{path} names them all. Call subfolders by the codes, or write these into the manifest's column `region`"
    )
