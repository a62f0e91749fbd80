"""The forms that the name of a country, a language or a people takes in running text."""

from __future__ import annotations

from dataclasses import dataclass

import regex

#: Languages written without spaces: a name may stand anywhere.
_UNSPACED = ("zh", "ja", "th", "lo", "km", "my")


@dataclass(frozen=True)
class _Endings:
    """Regular expressions over letters without their accents, as texts are compared.

    A name loses `cut` at its end; that again, or one of `added`, may follow on what is left. What follows on a stem is
    told in full, since a few free letters make ordinary words of it: espantapájaros, malin, مصرف.
    """

    added: str
    cut: str = ""


#: Case endings of adjectives and nouns; й is и without its accent.
_CYRILLIC = "[аеиіоуыьэюямхвг]{0,3}"
_BY_LANGUAGE = {
    # No ى: اليمنى is the right hand.
    "ar": _Endings("ي(?:ة|ه|ا|ات|ون|ين|ان)?", cut="يا"),
    "de": _Endings(r"\w*"),
    "es": _Endings("(?:ol|an|en|in|ec)[oa]s?|ol(?:es)?|enses?|es(?:es|as?)?", cut="a|o|ol"),
    "fr": _Endings("es?|l?ais(?:es?)?|ois(?:es?)?|i?en(?:ne)?s?", cut="e"),
    "hi": _Endings(r"ीय\w{0,3}|ियों|वर्ष|वासी\w{0,3}"),
    "it": _Endings("(?:i?an)?[oaie]|c(?:o|a|i|he)|n?es[ei]", cut="[aeo]"),
    "ko": _Endings(r"\w*"),
    "nl": _Endings(r"\w*", cut="e"),
    "pl": _Endings(r"\w{0,4}", cut="[aio]"),
    "pt": _Endings("as?|es|(?:an|eir)[oa]s?|enses?", cut="[ao]"),
    "ru": _Endings(f"(?:и?ск|ян|янк|янин|ч)?{_CYRILLIC}", cut="ии|ая|[аыья]"),
    "tr": _Endings(r"\w*"),
    "uk": _Endings(f"(?:ськ|ц|к)?{_CYRILLIC}", cut="а"),
    "vi": _Endings("(?!)"),
}
#: Of other languages no more is known than that a long name may be inflected.
_LONG = 6
_OTHER_LONG, _OTHER = _Endings(r"\w{0,3}", cut="[aeiouαηςаяе]"), _Endings("(?!)")
#: What Arabic writes before a name as part of its word. Without its article اليمن would be the end of فيمن ("in whom").
_JOINED, _JOINED_ARTICLE = "[وف]?(?:[بكل]?ال|لل|[بكل])?", "(?:[وف]?(?:[بكل]?ال|لل)|و)?"


def name_pattern(name: str, language: str) -> str:
    """A regular expression that finds `name` and its forms; for `regex`, whose words hold vowel signs. Both plain."""
    if language in _UNSPACED:
        return regex.escape(name)
    endings = _BY_LANGUAGE.get(language, _OTHER_LONG if len(name) >= _LONG else _OTHER)
    joined = ""
    if language == "ar":
        joined = _JOINED_ARTICLE if name.startswith("ال") else _JOINED
        name = name.removeprefix("ال")
    cut = regex.search(rf"(?:{endings.cut})$", name) if endings.cut else None
    rest = cut[0] if cut else ""
    stem = name.removesuffix(rest)
    return rf"\b{joined}{regex.escape(stem)}(?:{rest}|{endings.added})\b"
