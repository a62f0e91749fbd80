"""A region by its prompt's language."""

from __future__ import annotations

import pytest

from culturebench.interventions.by_language import LanguageError, region_of

LANGUAGES = {"jp": "ja", "nl": "nl", "de": "de", "th": "th", "kr": "ko", "ua": "uk"}


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("お椀", "jp"),
        ("een huis met een tuin", "nl"),
        ("ein Haus mit einem Garten", "de"),
        ("ชาม", "th"),
        ("그릇", "kr"),
    ],
)
def test_a_prompts_language_tells_its_region(text: str, region: str) -> None:
    assert region_of(text, LANGUAGES) == region


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("椀", r"could be any of ja, ko, zh"),  # Chinese as well
        ("Haus", r"could be any of de, .*nl"),
        ("12 34", r"is not known"),
        ("", r"is not known"),
        ("a picture of a house in the garden", r"language 'en', no region's"),
    ],
)
def test_an_unsure_or_foreign_language_is_refused_with_the_regions_to_choose_from(text: str, said: str) -> None:
    with pytest.raises(LanguageError, match=f"{said}.*give `region`, one of: de, jp, kr, nl, th, ua"):
        region_of(text, LANGUAGES)


def test_two_regions_of_one_language_are_told_apart_by_nobody() -> None:
    with pytest.raises(LanguageError, match="at, de share the language 'de'"):
        region_of("ein Haus mit einem Garten", {**LANGUAGES, "at": "de"})
