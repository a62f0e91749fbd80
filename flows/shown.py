"""Names and values as Prefect's pages want them: these read every text as Markdown, the cells of a table too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from culturebench.release.markdown import words


def cells(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a table, in which every text reads as it is."""
    return [{name: words(value) if isinstance(value, str) else value for name, value in row.items()} for row in rows]


def key(*parts: str) -> str:
    """An artifact's key of the parts: lower-case letters, digits and hyphens, which is all that Prefect takes."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")
