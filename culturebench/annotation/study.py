"""What people said in the study, as it stands in `annotations/study/`: pseudonyms, no names and no times."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from culturebench.annotation.lines import AnnotationError, read_lines

FOLDER = "annotations/study"
#: Who belongs to which block; who consented, and where they have lived; the answers to one block's tasks.
SEATS, CONSENT, ANSWERS = "seats.jsonl", "consent.jsonl", "{block}.jsonl"
_HEX = "^[0-9a-f]{64}$"


class Seat(BaseModel):
    """One person's block; answers to others are set aside."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    annotator: str = Field(min_length=1, description="a stable pseudonym")
    block: str = Field(pattern="^[0-9]{2,}$")


class Consent(BaseModel):
    """What one person said before the first task."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    task_id: str = Field(pattern=_HEX, description="sha256 of the form that they read")
    annotator: str = Field(min_length=1)
    consents: bool
    lived: list[str] = Field(description="codes of regions in which they say to have lived")


class StudyAnswer(BaseModel):
    """One person's answer to one task: one option, or with mcc all letters chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    task_id: str = Field(pattern=_HEX)
    annotator: str = Field(min_length=1)
    answer: list[str] = Field(min_length=1)
    too_fast: bool = Field(description="quicker than `study.min_seconds`")
    stereotype: Literal["", "yes", "no", "unknown"] = Field(
        default="", description="whether a rated picture is one; unknown: it shows nothing, or one cannot tell"
    )


Line = TypeVar("Line", Seat, Consent, StudyAnswer)


def read_seats(folder: Path) -> dict[str, str]:
    """Pseudonym -> block; `AnnotationError` names a wrong line, and a person who has two."""
    return {seat.annotator: seat.block for seat in _once(folder / SEATS, Seat)}


def read_consent(folder: Path) -> dict[str, Consent]:
    """Pseudonym -> what they said; who read two versions of the form consents when they did to both."""
    found: dict[str, Consent] = {}
    for one in _once(folder / CONSENT, Consent):
        before = found.get(one.annotator, one)
        lived = sorted({*before.lived, *one.lived})
        both = before.consents and one.consents
        found[one.annotator] = one.model_copy(update={"consents": both, "lived": lived})
    return found


def read_answers(folder: Path) -> dict[str, list[StudyAnswer]]:
    """Block -> the answers in its file, of whomever."""
    blocks = sorted(path.stem for path in folder.glob("*.jsonl") if path.name not in (SEATS, CONSENT))
    return {block: list(_once(folder / ANSWERS.format(block=block), StudyAnswer)) for block in blocks}


def _once(path: Path, model: type[Line]) -> Iterator[Line]:
    seen: dict[tuple[str, str], int] = {}
    for line, row in read_lines(path, model):
        key = row.annotator, "" if isinstance(row, Seat) else row.task_id
        first = seen.setdefault(key, line)
        if first != line:
            raise AnnotationError(f"{path}:{line}: {row.annotator} stands in line {first} already")
        yield row
