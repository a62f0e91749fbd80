"""Who can caption a picture: the atlas from its scene, a template from a noun caption and a modifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from culturebench.atlas.captions import Caption, cultural_caption, neutral_caption, noun_caption
from culturebench.atlas.world import REGIONS, Scene
from culturebench.captions.spans import CaptionRow, caption_row
from culturebench.captions.template import Unwritten, pick, with_modifier

if TYPE_CHECKING:
    from culturebench.artifacts._caption import GivenCaptions
    from culturebench.artifacts._scene import SceneRow
    from culturebench.params._region import Words


@dataclass(frozen=True)
class Picture:
    """What a provider may look at: what it truly shows, captions that came with it, and `found`, those it has already.

    A `rejected` picture gets no caption any more; what it has cost still counts.
    """

    picture_id: str
    region: str
    subdivision: str
    scene: SceneRow | None = None
    given: GivenCaptions | None = None
    found: Mapping[str, CaptionRow] = field(default_factory=dict[str, CaptionRow])
    image: bytes = b""
    rejected: bool = False


@dataclass(frozen=True)
class Written:
    """What a provider has to say of one picture.

    Without a cultural caption `reason` (countable) and `detail` may tell why. `noun_drafts` are noun captions that a
    person has yet to confirm. Tokens and cost are those of all replies behind it.
    """

    captions: Mapping[str, CaptionRow] = field(default_factory=dict[str, CaptionRow])
    reason: str = ""
    detail: str = ""
    noun_drafts: Mapping[str, CaptionRow] = field(default_factory=dict[str, CaptionRow])
    cues: Sequence[str] = ()
    subdivision: str = ""
    served_model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0


class Provider(Protocol):
    """Anything that captions pictures."""

    def write(self, pictures: Sequence[Picture]) -> list[Written]:
        """For each picture captions by role (`cultural`, `noun`, `neutral`, …), as far as it can tell."""
        ...


class AtlasProvider:
    """Captions atlas pictures from their scene, as the region and subdivision that the experts gave them."""

    def write(self, pictures: Sequence[Picture]) -> list[Written]:
        """All five captions of an atlas picture with a known subdivision; none for any other."""
        return [Written(self._captions(picture)) for picture in pictures]

    def _captions(self, picture: Picture) -> dict[str, CaptionRow]:
        if picture.scene is None or picture.region not in REGIONS:
            return {}
        language, subdivisions = REGIONS[picture.region]
        if picture.subdivision not in subdivisions:
            return {}
        scene = replace(Scene(**picture.scene), region=picture.region, subdivision=picture.subdivision)
        return {
            "cultural": _row(cultural_caption(scene, language)),
            "noun": _row(noun_caption(scene, language)),
            "neutral": _row(neutral_caption(scene, language)),
            "cultural_en": _row(cultural_caption(scene, "en")),
            "noun_en": _row(noun_caption(scene, "en")),
        }


class TemplateProvider:
    """Takes the captions that came with a picture, and writes missing ones as modifier plus noun caption."""

    def __init__(self, modifiers: Words, neutral: Words) -> None:
        """`modifiers` and `neutral` are the region file's."""
        self._modifiers, self._neutral = modifiers, neutral

    def write(self, pictures: Sequence[Picture]) -> list[Written]:
        """What was given or found and what follows from it; without a noun caption there is nothing to build on.

        What the template would get wrong is left to people, with the reason.
        """
        return [self._written(picture) for picture in pictures]

    def _written(self, picture: Picture) -> Written:
        rows = {**given_captions(picture.given), **picture.found}
        added = (
            ("noun", "cultural", self._modifiers.local),
            ("noun_en", "cultural_en", self._modifiers.en),
            ("noun", "neutral", self._neutral.local),
        )
        refused: dict[str, str] = {}
        for noun, role, phrases in added:
            if noun in rows and role not in rows:
                try:
                    rows[role] = with_modifier(rows[noun], pick(phrases, picture.picture_id))
                except Unwritten as why:
                    refused[role] = str(why)
        detail = "; ".join(f"{role}: {why}" for role, why in refused.items() if role != "neutral")
        return Written(rows, "not_by_template" if "cultural" in refused else "", detail)


def given_captions(given: GivenCaptions | None) -> dict[str, CaptionRow]:
    """The captions that came with a picture, by role."""
    if given is None:
        return {}
    found = {
        "cultural": given["cultural"],
        "noun": given["noun"],
        "neutral": given["neutral"],
        "cultural_en": given["cultural_en"],
        "noun_en": given["noun_en"],
    }
    return {role: caption for role, caption in found.items() if caption}


def _row(caption: Caption) -> CaptionRow:
    return caption_row(caption.text, caption.language, caption.noun_span, caption.modifier_span)
