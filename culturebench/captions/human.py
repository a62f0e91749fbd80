"""Captions that people wrote or corrected: `annotations/captions/<region>.jsonl`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from culturebench.annotation.lines import AnnotationError, read_lines
from culturebench.captions.spans import ROLES, CaptionError, CaptionRow, parse_caption


class _Line(BaseModel):
    """One line: a picture's captions, or the word that none is possible."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    picture_id: str = Field(pattern="^[0-9a-f]{64}$")
    annotator: str = Field(default="", description="a stable pseudonym")
    verdict: Literal["use", "reject"] = "use"
    reason: str = Field(default="", description="why there can be no caption")
    audit: Literal["", "correct", "edit", "stereotype"] = Field(
        default="",
        description="what people say of a caption that was written for them; `cultural` is the one they mean",
    )
    cultural: Any = None
    noun: Any = None
    neutral: Any = None
    cultural_en: Any = None
    noun_en: Any = None


def read_caption_lines(path: Path) -> list[dict[str, Any]]:
    """The lines as they stand, without what is empty; `AnnotationError` names a wrong one."""
    return [
        line.model_dump(exclude_defaults=True) | {"annotator": line.annotator} for _, line in read_lines(path, _Line)
    ]


@dataclass(frozen=True)
class HumanCaptions:
    """What people say of a picture: captions by role, or the reason for which it was rejected."""

    captions: dict[str, CaptionRow]
    rejected: str = ""
    audit: str = ""


def read_human_captions(path: Path, language: str) -> dict[str, HumanCaptions]:
    """Picture id to its captions; none when the file is missing. `AnnotationError` names a wrong line."""
    found: dict[str, HumanCaptions] = {}
    for number, line in read_lines(path, _Line):
        if line.picture_id in found:
            raise AnnotationError(f"{path}:{number}: a second line on picture {line.picture_id}")
        if line.verdict == "reject" or line.audit == "stereotype":
            found[line.picture_id] = HumanCaptions({}, line.reason or line.audit or "rejected", line.audit)
            continue
        if line.audit and line.cultural is None:
            # What a model writes may change; an audit speaks of the words that were seen.
            raise AnnotationError(f"{path}:{number}: `cultural` is missing: the caption that was found {line.audit}")
        captions: dict[str, CaptionRow] = {}
        for role in ROLES:
            value = getattr(line, role)
            if value is None:
                continue
            try:
                captions[role] = parse_caption(value, "en" if role.endswith("_en") else language)
            except CaptionError as error:
                raise AnnotationError(f"{path}:{number}: `{role}`: {error}") from None
        found[line.picture_id] = HumanCaptions(captions, audit=line.audit)
    return found
