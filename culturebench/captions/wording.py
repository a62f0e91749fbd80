"""Whether a text is in its language and script, and whether it names a country."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from copy import copy
from functools import cache

import regex
from babel import Locale, UnknownLocaleError
from babel.languages import get_official_languages
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from culturebench.captions.endings import name_pattern
from culturebench.regions.words import strangers

#: Languages that a model may fall into instead of the right one; fewer make the guess on a short text surer.
_COMMON = ("ar", "de", "en", "es", "fr", "hi", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "uk", "vi", "zh")
#: Short captions are often unclear; only a sure guess counts.
_SURE = 0.9
#: What makes the name of a people or country that of its language.
_TONGUE = {"ja": "語", "ko": "어", "ar": "ية"}


def wrong_script(text: str, script: str) -> str:
    """The letters that are not of `script` (ISO 15924), and control characters; empty when all is well."""
    controls = {unicodedata.name(sign, repr(sign)) for sign in text if unicodedata.category(sign) in ("Cc", "Co", "Cn")}
    return strangers(text, script) + " ".join(sorted(controls))


def wrong_language(text: str, language: str) -> str:
    """The language (ISO 639-1) that `text` surely is in instead of `language`; empty when it may be right."""
    identifier = _identifier(language)
    if identifier is None:
        return ""
    found, probability = identifier.classify(text)
    return str(found) if found != language and probability >= _SURE else ""


def named_country(text: str, language: str, iso: Sequence[str]) -> str:
    """The name of a country of `iso`, of its language or people, that `text` holds; empty when there is none.

    Names are those of Unicode CLDR in `language` and in English, with endings; other paraphrases are not found.
    """
    for name in _names("en", tuple(iso)):
        # By their capital letters: china is no China. In any language, as English names are borrowed.
        if match := regex.search(rf"\b{regex.escape(name)}(?:'s|n|ns|ese)?\b", text):
            return match[0]
    for name in _names(language, tuple(iso)) if language != "en" else ():
        if match := regex.search(name_pattern(_plain(name), language), _plain(text)):
            return match[0]
    return ""


@cache
def _names(language: str, iso: tuple[str, ...]) -> tuple[str, ...]:
    """Countries and their official languages; a language's name is mostly its people's adjective."""
    try:
        locale, english = Locale(language), Locale("en")
    except UnknownLocaleError:
        return ()
    countries = [locale.territories.get(code, "") for code in iso]
    if language != "en":
        return tuple(
            name
            for name in (*countries, locale.languages.get(language, "").removesuffix(_TONGUE.get(language, "")))
            if name
        )
    spoken = {_language_of(code) for code in iso} - {"en", ""}
    return tuple(name for name in (*countries, *(english.languages.get(code, "") for code in sorted(spoken))) if name)


@cache
def _language_of(code: str) -> str:
    """The main language of a country by CLDR, "" when it is not known."""
    return next((found.split("_")[0] for found in get_official_languages(code, de_facto=True)), "")


@cache
def _identifier(language: str) -> LanguageIdentifier | None:
    identifier = copy(_all_languages())
    if language not in identifier.labels:
        return None
    identifier.set_languages([*_COMMON, language])
    return identifier


@cache
def _all_languages() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    kept = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return unicodedata.normalize("NFKC", kept).casefold()
