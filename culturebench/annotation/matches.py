"""Which of several real pictures people took for a region's, as it stands in `annotations/matches.jsonl`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from culturebench.annotation.lines import AnnotationError, read_lines


class Match(BaseModel):
    """One person's answer; the question's id is a hash of its region and its pictures in their order."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    question_id: str = Field(pattern="^[0-9a-f]{64}$")
    annotator: str = Field(min_length=1, description="a stable pseudonym")
    region: str = Field(min_length=1, description="code of the region that was named")
    answer: str = Field(description="picture id")
    options: list[str] = Field(min_length=2, description="ids of the pictures shown")

    @model_validator(mode="after")
    def _was_shown(self) -> Match:
        if self.answer not in self.options or len(set(self.options)) < len(self.options):
            raise ValueError(f"the answer {self.answer!r} must be one of the options, each named once: {self.options}")
        return self


def read_matches(path: Path) -> list[Match]:
    """Every line; `AnnotationError` names a wrong one, and a second answer of one person to one question."""
    found: list[Match] = []
    seen: dict[tuple[str, str], int] = {}
    for line, match in read_lines(path, Match):
        first = seen.setdefault((match.question_id, match.annotator), line)
        if first != line:
            raise AnnotationError(f"{path}:{line}: {match.annotator} answered it in line {first} already")
        found.append(match)
    return found
