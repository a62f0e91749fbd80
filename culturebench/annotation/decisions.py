"""The experts' decisions as they stand in `annotations/decisions/<region>.jsonl`."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from culturebench.annotation.lines import AnnotationError, read_lines

Reason = Literal["", "not_authentic", "wrong_culture", "stereotype", "low_quality", "privacy"]


class Decision(BaseModel):
    """What one annotator said of one picture."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    picture_id: str = Field(pattern="^[0-9a-f]{64}$")
    annotator: str = Field(min_length=1, description="a stable pseudonym")
    verdict: Literal["keep", "reject"]
    reason: Reason = Field(default="", description="why it was rejected")
    subdivision: str = Field(default="", description="the part of the region's culture, for a kept picture")
    category: str = Field(default="", description="what the picture shows, as in the region's keywords")
    confidence: int = Field(default=3, ge=1, le=5, description="1 guessed, 5 certain")

    @model_validator(mode="after")
    def _reason_fits(self) -> Decision:
        if (self.verdict == "reject") != bool(self.reason):
            raise ValueError(f"verdict {self.verdict!r} does not go with reason {self.reason!r}")
        return self


def read_decisions(path: Path, subdivisions: Collection[str]) -> dict[str, list[Decision]]:
    """Picture id to its decisions; none when the file is missing.

    Raises `AnnotationError` with `file:line` for a wrong line, a subdivision that the region does not
    have, or a second decision of one annotator on one picture.
    """
    decisions: dict[str, list[Decision]] = {}
    seen: dict[tuple[str, str], int] = {}
    for line, decision in read_lines(path, Decision):
        if decision.subdivision and decision.subdivision not in subdivisions:
            raise AnnotationError(
                f"{path}:{line}: unknown subdivision {decision.subdivision!r}; this region has: "
                + ", ".join(sorted(subdivisions))
            )
        first = seen.setdefault((decision.picture_id, decision.annotator), line)
        if first != line:
            raise AnnotationError(f"{path}:{line}: {decision.annotator} decided on it in line {first} already")
        decisions.setdefault(decision.picture_id, []).append(decision)
    return decisions
