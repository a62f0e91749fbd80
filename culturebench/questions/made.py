"""What becomes of a source of questions: two parts without a common picture, and rows that were left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from culturebench.errors import CultureBenchError

if TYPE_CHECKING:
    from culturebench.artifacts.questions import DroppedRow, PictureRow, QuestionRow

Part = Literal["detect", "test"]


class QuestionsError(CultureBenchError):
    """A source that gives no usable questions."""


@dataclass
class Made:
    """Questions and pictures by part."""

    questions: dict[Part, list[QuestionRow]] = field(default_factory=lambda: {"detect": [], "test": []})
    pictures: dict[Part, dict[str, bytes]] = field(default_factory=lambda: {"detect": {}, "test": {}})
    dropped: list[DroppedRow] = field(default_factory=list["DroppedRow"])

    def add(self, part: Part, row: QuestionRow, image: bytes) -> None:
        """One question with its picture."""
        self.questions[part].append(row)
        self.pictures[part][row["picture_id"]] = image

    def picture_rows(self, part: Part) -> list[PictureRow]:
        """The part's pictures."""
        return [{"picture_id": name, "image": image} for name, image in self.pictures[part].items()]


def counts(rows: Sequence[QuestionRow]) -> Mapping[str, int]:
    """Questions by culture."""
    found: dict[str, int] = {}
    for row in rows:
        found[row["culture"]] = found.get(row["culture"], 0) + 1
    return found
