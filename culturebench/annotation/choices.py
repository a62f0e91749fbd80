"""People's answers to the judges' question on real pictures, as they stand in `annotations/answers.jsonl`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from culturebench.annotation.lines import AnnotationError, read_lines


class Choice(BaseModel):
    """Which of the regions shown one person took a picture for."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    picture_id: str = Field(pattern="^[0-9a-f]{64}$")
    annotator: str = Field(min_length=1, description="a stable pseudonym")
    answer: str = Field(description="code of a region")
    options: list[str] = Field(min_length=2, description="codes of the regions shown")

    @model_validator(mode="after")
    def _was_shown(self) -> Choice:
        if self.answer not in self.options or len(set(self.options)) < len(self.options):
            raise ValueError(f"the answer {self.answer!r} must be one of the options, each named once: {self.options}")
        return self


def read_choices(path: Path) -> list[Choice]:
    """Every line; `AnnotationError` names a wrong one, and a second answer of one person on one picture."""
    found: list[Choice] = []
    seen: dict[tuple[str, str], int] = {}
    for line, choice in read_lines(path, Choice):
        first = seen.setdefault((choice.picture_id, choice.annotator), line)
        if first != line:
            raise AnnotationError(f"{path}:{line}: {choice.annotator} answered on it in line {first} already")
        found.append(choice)
    return found
