"""One picture on its way through the providers, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from culturebench.captions.human import HumanCaptions
from culturebench.captions.providers import Picture, Written
from culturebench.captions.spans import CaptionRow, caption_row, noun_span
from culturebench.captions.template import all_of_it
from culturebench.captions.wording import named_country

if TYPE_CHECKING:
    from culturebench.artifacts.captioned import CaptionedRow

_NEEDED = ("cultural", "noun")


class CaptionCollector:
    """Collects captions: people's first, then whatever a provider adds to them."""

    def __init__(self, picture: Picture, human: HumanCaptions | None) -> None:
        self._picture = picture
        self._audit = human.audit if human else ""
        self._audits = human.audits if human else ()
        self._names = ["human"] if human else []
        self._written: list[Written] = []
        self.rejected = human.rejected if human else ""
        self.found: dict[str, CaptionRow] = dict(human.captions) if human else {}

    def picture(self) -> Picture:
        """What the next provider sees."""
        return replace(self._picture, found=dict(self.found), rejected=bool(self.rejected))

    def take(self, name: str, written: Written) -> None:
        """Add what is new; the first to write a caption keeps it, and a rejected picture gets none."""
        if self.rejected:
            written = replace(written, captions={}, noun_drafts={})
        if written.captions.keys() - self.found.keys():
            self._names.append(name)
            self.found = dict(written.captions) | self.found
        self._written.append(written)

    def row(self, language: str, iso: Sequence[str]) -> CaptionedRow:
        """The row of `captioned`; `language` and `iso` are the region's."""
        status, reason, detail = self._outcome(language, iso)
        said = [written for written in self._written if written.captions]
        unmarked = "noun" in self.found and noun_span(self.found["noun"]) is None
        noun, noun_en = (_with_noun(self.found.get(role)) for role in ("noun", "noun_en"))
        drafts = {role: row for written in said for role, row in written.noun_drafts.items() if role not in self.found}
        return {
            "picture_id": self._picture.picture_id,
            "region": self._picture.region,
            "language": language,
            "status": status,
            "reason": reason,
            "detail": detail,
            "provider": "+".join(self._names),
            "audit": self._audit,
            "audits": list(self._audits),
            "subdivision": next(filter(None, (self._picture.subdivision, *(w.subdivision for w in said))), ""),
            "cues": [cue for written in said for cue in written.cues],
            "noun_draft": drafts.get("noun"),
            "noun_en_draft": drafts.get("noun_en"),
            "served_model": next((w.served_model for w in self._written if w.served_model), ""),
            "input_tokens": sum(written.input_tokens for written in self._written),
            "output_tokens": sum(written.output_tokens for written in self._written),
            "cost": round(sum(written.cost for written in self._written), 9),
            "cultural": self.found.get("cultural"),
            "noun": noun,
            "neutral": self.found.get("neutral"),
            "cultural_en": self.found.get("cultural_en"),
            "noun_en": noun_en,
            "whole_noun": unmarked and noun is not None and noun_span(noun) is not None,
        }

    def _outcome(self, language: str, iso: Sequence[str]) -> tuple[str, str, str]:
        """Status, reason and detail."""
        if self.rejected:
            return "dropped", self.rejected, ""
        failed = next((written for written in self._written if written.reason), None)
        if failed and "cultural" not in self.found:
            return "waiting", failed.reason, failed.detail
        missing = [role for role in _NEEDED if role not in self.found]
        if missing:
            return "waiting", "no_" + "_and_".join(missing) + "_caption", ""
        for role, code in (("noun", language), ("noun_en", "en")):
            if role in self.found and (name := named_country(self.found[role]["text"], code, iso)):
                return "waiting", "noun_names_the_country", f"{role}: {name}"
        refused = [written.detail for written in self._written if written.detail and not written.reason]
        return "kept", "", "; ".join(refused)


def _with_noun(caption: CaptionRow | None) -> CaptionRow | None:
    """The noun caption; where nobody marked its noun, all of it counts."""
    if caption is None or noun_span(caption):
        return caption
    return caption_row(caption["text"], caption["language"], all_of_it(caption))
