"""Captions that people wrote or corrected: `annotations/captions/<region>.jsonl`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
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
    """What people say of a picture: captions by role, or the reason for which it was rejected.

    `audits` is what each of them said of a written caption; `audit` what enough of them agree on, "" before that.
    """

    captions: dict[str, CaptionRow]
    rejected: str = ""
    audit: str = ""
    audits: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Said:
    """One person's line with its captions parsed."""

    line: _Line
    captions: dict[str, CaptionRow]

    @property
    def vote(self) -> tuple[str, str]:
        """What counts as the same audit: of a caption that was found correct, the words that were seen as well."""
        text = self.captions["cultural"]["text"] if self.line.audit == "correct" else ""
        return self.line.audit, text


def read_human_captions(path: Path, language: str, auditors: int = 1) -> dict[str, HumanCaptions]:
    """Picture id to its captions; none when the file is missing. `AnnotationError` names a wrong line.

    An audit holds once `auditors` people gave it, and more than any other one. Until then the words of an audit are not
    used; of other captions that several people wrote the first by pseudonym is.
    """
    found: dict[str, list[_Said]] = {}
    seen: set[tuple[str, str]] = set()
    for number, line in read_lines(path, _Line):
        if (line.picture_id, line.annotator) in seen:
            who = f" of {line.annotator}" if line.annotator else ""
            raise AnnotationError(f"{path}:{number}: a second line{who} on picture {line.picture_id}")
        seen.add((line.picture_id, line.annotator))
        found.setdefault(line.picture_id, []).append(_Said(line, _captions(line, f"{path}:{number}", language)))
    return {name: _together(sorted(own, key=lambda said: said.line.annotator), auditors) for name, own in found.items()}


def _captions(line: _Line, place: str, language: str) -> dict[str, CaptionRow]:
    """The captions of a line; `AnnotationError` for one that cannot be, or an audit without the words it speaks of."""
    if line.verdict == "reject" or line.audit == "stereotype":
        return {}
    if line.audit and line.cultural is None:
        # What a model writes may change; an audit speaks of the words that were seen.
        raise AnnotationError(f"{place}: `cultural` is missing: the caption that was found {line.audit}")
    captions: dict[str, CaptionRow] = {}
    for role in ROLES:
        value = getattr(line, role)
        if value is None:
            continue
        try:
            captions[role] = parse_caption(value, "en" if role.endswith("_en") else language)
        except CaptionError as error:
            raise AnnotationError(f"{place}: `{role}`: {error}") from None
    return captions


def _together(said: Sequence[_Said], auditors: int) -> HumanCaptions:
    audits = tuple(one.line.audit for one in said if one.line.audit)
    rejected = next((one.line for one in said if one.line.verdict == "reject" and not one.line.audit), None)
    if rejected:
        return HumanCaptions({}, rejected.reason or "rejected", "", audits)
    settled = _settled([one for one in said if one.line.audit], auditors)
    audit = settled[0].line.audit if settled else ""
    if audit == "stereotype":
        return HumanCaptions({}, settled[0].line.reason or audit, audit, audits)
    captions: dict[str, CaptionRow] = {}
    for one in [*settled, *said]:
        audited = ("cultural", "cultural_en") if one.line.audit and one not in settled[:1] else ()
        captions = {role: row for role, row in one.captions.items() if role not in audited} | captions
    return HumanCaptions(captions, audit=audit, audits=audits)


def _settled(audits: Sequence[_Said], auditors: int) -> list[_Said]:
    """Those who gave the audit that holds; none while none does."""
    votes = Counter(one.vote for one in audits).most_common(2)
    if not votes or votes[0][1] < auditors or (len(votes) > 1 and votes[1][1] == votes[0][1]):
        return []
    return [one for one in audits if one.vote == votes[0][0]]
