"""What a source hands over for every file that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from culturebench.errors import CultureBenchError


class SourceError(CultureBenchError):
    """A source that cannot be asked at all; a single bad file is a `Found` with an `error` instead."""


@dataclass(frozen=True)
class Found:
    """One file that a source came across: its bytes, or the reason why there are none.

    `picture_id` is given only where the bytes do not decide it; `metadata` must be ready for JSON.
    """

    file_name: str
    data: bytes | None = None
    error: str = ""
    query: str = ""
    page_url: str = ""
    file_url: str = ""
    author: str = ""
    licence_text: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
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
