"""What a source hands over for every file that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from culturebench.errors import CultureBenchError

if TYPE_CHECKING:
    from culturebench.artifacts._caption import CaptionRow
    from culturebench.artifacts.candidates import ReleasedRow
    from culturebench.atlas.world import Scene


class SourceError(CultureBenchError):
    """A source that cannot be asked at all; a single bad file is a `Found` with an `error` instead."""


@dataclass(frozen=True)
class About:
    """What a source knows of a picture beside its file: each as the column of `candidates`."""

    category: str = ""
    subdivision: str = ""
    query_language: str = ""
    found_in: str = ""
    captions: Mapping[str, CaptionRow] = field(default_factory=dict[str, "CaptionRow"])
    scene: Scene | None = None
    released: ReleasedRow | None = None
    planted: str = ""


@dataclass(frozen=True)
class Found:
    """One file that a source came across: its bytes, or the reason why there are none.

    `picture_id` is given only where the bytes do not decide it.
    """

    file_name: str
    data: bytes | None = None
    error: str = ""
    query: str = ""
    page_url: str = ""
    file_url: str = ""
    author: str = ""
    licence_text: str = ""
    about: About = field(default_factory=About)
    picture_id: str | None = None


class Source(Protocol):
    """Anything that finds pictures of a region."""

    @property
    def kind(self) -> str:
        """The name under which its rows are filed."""
        ...

    def find(self, region: str) -> Iterator[Found]:
        """Every file for the region, in an order that does not change; none when there are none."""
        ...
