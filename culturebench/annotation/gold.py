"""Pictures whose answer is known: they are mixed into the experts' work to see how often each of them is right."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from culturebench.annotation.lines import AnnotationError, read_lines

Verdict = Literal["keep", "reject"]


class _Known(BaseModel):
    """One line of `annotations/gold/<region>.jsonl`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    picture_id: str = Field(pattern="^[0-9a-f]{64}$")
    verdict: Verdict
    why: str = Field(default="", description="how one knows")


def read_gold(path: Path) -> dict[str, Verdict]:
    """Picture id to its known verdict; none when the file is missing. `AnnotationError` names a wrong line."""
    found: dict[str, Verdict] = {}
    for line, known in read_lines(path, _Known):
        if known.picture_id in found:
            raise AnnotationError(f"{path}:{line}: a second line on picture {known.picture_id}")
        found[known.picture_id] = known.verdict
    return found
