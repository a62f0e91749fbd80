"""What is known of languages, scripts and countries (Unicode CLDR, by way of Babel)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

import regex
from babel import Locale
from babel.core import get_global

_ENGLISH = Locale("en")
#: Codes of two letters that are no country.
_GROUPS = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
#: Writing systems that use the letters of several scripts, or of one under another name (ISO 15924).
_LETTERS = {"Jpan": ("Hani", "Hira", "Kana"), "Kore": ("Hang", "Hani"), "Hans": ("Hani",), "Hant": ("Hani",)}
#: Letters that belong to no script alone, as the Japanese long-vowel mark.
_SHARED = ("Zyyy", "Zinh")


def countries() -> Mapping[str, str]:
    """ISO 3166 code of two letters -> English name."""
    return {
        code: name
        for code, name in _ENGLISH.territories.items()
        if len(code) == 2 and code.isalpha() and code not in _GROUPS
    }


def country_code(name: str) -> str | None:
    """The ISO 3166 code of a country's English name, None when it is none."""
    wanted = _plain(name)
    return next((code for code, known in countries().items() if _plain(known) == wanted), None)


def languages() -> Mapping[str, str]:
    """ISO 639 code -> English name."""
    return {code: name for code, name in _ENGLISH.languages.items() if len(code) in (2, 3) and code.isalpha()}


def scripts() -> Mapping[str, str]:
    """ISO 15924 code -> English name, of those whose letters can be told from others."""
    return {code: name for code, name in _ENGLISH.scripts.items() if code in _LETTERS or _is_script(code)}


def usual_script(language: str) -> str | None:
    """ISO 15924 code of the script in which a language is mostly written; None when that is not known."""
    likely = get_global("likely_subtags").get(language, "")
    return next((part for part in likely.split("_") if len(part) == 4), None)


def strangers(text: str, script: str) -> str:
    """The letters of `text` that are not of `script`, each once and in order; empty when all is well."""
    names = "".join(rf"\p{{Script={name}}}" for name in (*_LETTERS.get(script, (script,)), *_SHARED))
    letters = regex.sub(rf"[{names}]", "", unicodedata.normalize("NFC", text))
    return "".join(dict.fromkeys(letter for letter in letters if letter.isalpha()))


def _is_script(code: str) -> bool:
    try:
        regex.compile(rf"\p{{Script={code}}}")
    except regex.error:
        return False
    return True


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.replace("’", "'").replace("&", "and"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold().strip()
