"""What a person would say of an atlas picture, in 18 languages, with the spans of noun and modifier."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml

from culturebench.atlas.world import LANGUAGES, REGIONS, Scene
from culturebench.english import a_or_an

#: Modifiers of every subdivision in either language that captions of the collection carry.
MODIFIERS: Final = 3


@dataclass(frozen=True)
class Caption:
    """A text and where its noun and modifier stand: half-open character offsets into `text`."""

    text: str
    language: str
    noun_span: tuple[int, int]
    modifier_span: tuple[int, int] | None


def noun_caption(scene: Scene, language: str) -> Caption:
    """The noun and its surroundings; silent about region and ornament."""
    return caption_with(scene, language, None)


def cultural_caption(scene: Scene, language: str, variant: int | None = None) -> Caption:
    """The noun caption with a modifier of the scene's culture, in the region's language or English.

    `variant`: which of the subdivision's `MODIFIERS`, by default one that the scene's id draws; the same number says
    about the same in both languages.
    """
    if variant is None:
        variant = int(scene.id()[:8], 16) % MODIFIERS
    modifiers = _modifiers("modifiers", scene.region, scene.subdivision, language)
    if variant not in range(MODIFIERS):
        raise ValueError(f"no cultural modifier {variant!r}; valid: 0 to {MODIFIERS - 1}")
    return caption_with(scene, language, modifiers[variant])


def unseen_caption(scene: Scene, language: str) -> Caption:
    """As `cultural_caption`, with the one modifier of the subdivision that no caption of the collection carries."""
    return caption_with(scene, language, unseen_modifier(scene.region, scene.subdivision, language))


def unseen_modifier(region: str, subdivision: str, language: str) -> str:
    """The subdivision's modifier that no caption of the collection carries; ValueError where there is none."""
    return _modifiers("unseen_modifiers", region, subdivision, language)


def _modifiers(section: str, region: str, subdivision: str, language: str) -> Any:
    """What a section of the lexicon says in `language` of a subdivision; ValueError where it says nothing."""
    if region not in REGIONS:
        raise ValueError(f"a cultural caption needs a region, got {region!r}; valid: {', '.join(REGIONS)}")
    own_language, subdivisions = REGIONS[region]
    if subdivision not in subdivisions:
        raise ValueError(f"region {region!r} has no subdivision {subdivision!r}; valid: {', '.join(subdivisions)}")
    if language not in (own_language, "en"):
        raise ValueError(f"region {region!r} has no captions in {language!r}; valid: {own_language}, en")
    return _lexicon()[section][region][subdivision][language]


def neutral_caption(scene: Scene, language: str, variant: int = 0) -> Caption:
    """The noun caption with a culture-free modifier, about as long as a cultural one."""
    _check_language(language)
    modifiers = _lexicon()["neutral_modifiers"][language]
    if variant not in range(len(modifiers)):
        raise ValueError(f"no neutral modifier {variant!r}; valid: 0 to {len(modifiers) - 1}")
    return caption_with(scene, language, modifiers[variant])


def caption_with(scene: Scene, language: str, modifier: str | None, *, first: bool | None = None) -> Caption:
    """The noun caption of a scene with any modifier, or with none.

    `first`: whether it stands before the noun; None: where the language has it.
    """
    _check_language(language)
    lexicon = _lexicon()
    layout = lexicon["layout"][language]
    noun = lexicon["nouns"][language][scene.object]

    words = [("noun", noun)]
    if modifier is not None:
        before = layout["modifier_position"] == "before" if first is None else first
        words.insert(0 if before else 1, ("modifier", modifier))
    article = lexicon["articles"].get(language, {}).get(scene.object)
    if article:
        if language == "en" and words[0][0] == "modifier":
            article = a_or_an(words[0][1])  # the lexicon's is the noun's
        words.insert(0, ("article", article))

    text = ""
    spans: dict[str, tuple[int, int]] = {}
    for role, word in words:
        if text:
            text += layout["joiner"]
        spans[role] = (len(text), len(text) + len(word))
        text += word

    fragments = (
        lexicon["places"][language][scene.place],
        lexicon["lights"][language][scene.light],
        lexicon["framings"][language][scene.framing],
        lexicon["companions"][language][scene.companion],
    )
    text = layout["separator"].join((text, *filter(None, fragments)))
    return Caption(text, language, spans["noun"], spans.get("modifier"))


def _check_language(language: str) -> None:
    if language not in LANGUAGES:
        raise ValueError(f"no captions in {language!r}; valid: {', '.join(LANGUAGES)}")


@lru_cache(maxsize=1)
def _lexicon() -> dict[str, Any]:
    text = Path(__file__).with_name("lexicon.yaml").read_text(encoding="utf-8")
    # Normalised before it is parsed: every span then counts characters of the normalised caption.
    return yaml.load(unicodedata.normalize("NFC", text), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
