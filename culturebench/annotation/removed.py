"""Takedowns: pictures that must not come back, whatever collection finds."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from culturebench.annotation.lines import read_lines


class Removed(BaseModel):
    """One line of `annotations/removed.jsonl`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="of the bytes, or the picture id")
    reason: str = Field(min_length=1, description="why, for people")


def read_removed(path: Path) -> dict[str, str]:
    """Sha256 to reason of every takedown; `AnnotationError` names a wrong line."""
    return {row.sha256: row.reason for _, row in read_lines(path, Removed)}
