"""Which region a prompt belongs to, by the language that it is written in."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from culturebench.errors import CultureBenchError
from culturebench.regions.words import strangers, usual_script

#: Languages that a prompt may also be in; without them every text would be in some region's.
_COMMON = ("ar", "de", "en", "es", "fr", "hi", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "uk", "vi", "zh")
#: One word is often at home in several languages; only a sure guess counts.
_SURE = 0.9


class LanguageError(CultureBenchError):
    """A prompt whose language does not say which region is meant."""


def region_of(text: str, languages: Mapping[str, str]) -> str:
    """The one region that speaks the language of `text`; `languages` maps region to ISO 639-1 code.

    `LanguageError` when the language is not sure, is no region's, or is that of several regions.
    """
    found = languages_of(text, languages)
    if len(found) != 1:
        said = f"could be any of {', '.join(found)}" if found else "is not known"
        raise LanguageError(f"the language of the prompt {text!r} {said}; {_help(languages)}")
    regions = sorted(region for region, language in languages.items() if language == found[0])
    if not regions:
        raise LanguageError(f"the prompt {text!r} is in the language {found[0]!r}, no region's; {_help(languages)}")
    if len(regions) > 1:
        raise LanguageError(
            f"the regions {', '.join(regions)} share the language {found[0]!r} of the prompt {text!r}; "
            f"{_help(languages)}"
        )
    return regions[0]


def _help(languages: Mapping[str, str]) -> str:
    return f"give `region`, one of: {', '.join(sorted(languages))}"


def languages_of(text: str, languages: Mapping[str, str]) -> list[str]:
    """The language that `text` surely is in, or those that its letters allow: of the regions' and of other common ones.

    `languages` maps region to ISO 639-1 code.
    """
    return _likely(text, {*_COMMON, *languages.values()})


def _likely(text: str, languages: set[str]) -> list[str]:
    if not any(sign.isalpha() for sign in text):
        return []
    fitting = sorted(language for language in languages if not strangers(text, usual_script(language) or "Zzzz"))
    known = [language for language in fitting if language in _identifier().labels]
    if len(fitting) < 2 or known != fitting:
        return fitting
    identifier = copy(_identifier())
    identifier.set_languages(known)
    found, probability = identifier.classify(text)
    return [str(found)] if probability >= _SURE else fitting


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
