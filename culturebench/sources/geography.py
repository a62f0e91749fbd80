"""A region's countries and language as search services take them: from the ISO codes and the language of its file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from typing import Final

from babel import Locale, UnknownLocaleError

from culturebench.params.collect import CommonsConstraint, GoogleConstraint
from culturebench.sources.api import Answer, Api, Part
from culturebench.sources.base import SourceError
from culturebench.sources.queries import Query

#: What `lr` takes, by ISO 639-1 code, as the reference of cse.list has it; other languages cannot be asked for.
_LR: Final = {
    **{code: f"lang_{code}" for code in (
        "ar", "bg", "ca", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "hr", "hu", "id", "is", "it", "ja",
        "ko",
        "lt", "lv", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "tr",
    )},
    "he": "lang_iw",
    "zh": "lang_zh-CN|lang_zh-TW",
}  # fmt: skip
# P297: ISO 3166-1 code.
_COUNTRIES: Final = """SELECT DISTINCT ?country WHERE {
  VALUES ?iso { %s }
  ?country wdt:P297 ?iso .
} ORDER BY ?country"""


def google_fields(constraints: Sequence[GoogleConstraint], iso: Sequence[str], query: Query) -> dict[str, str]:
    """Fields of a request to cse.list.

    `gl` prefers pages of one country, so a region of several has none; `cr` asks for pages of its countries alone, and
    `lr` for pages in the keyword's language, where Google knows that.
    """
    fields: dict[str, str] = {}
    if "gl" in constraints and len(iso) == 1:
        fields["gl"] = iso[0].lower()
    if "cr" in constraints:
        fields["cr"] = "|".join(f"country{code}" for code in iso)
    if "lr" in constraints and query.language in _LR:
        fields["lr"] = _LR[query.language]
    return fields


def unknown_to_google(constraints: Sequence[GoogleConstraint], iso: Sequence[str], queries: Sequence[Query]) -> None:
    """Say on stderr which constraints cannot be put for this region."""
    if "gl" in constraints and len(iso) > 1:
        print(f"google_cse: `gl` takes one country, and the region has {len(iso)}; it is left out", file=sys.stderr)
    lost = sorted({query.language for query in queries} - _LR.keys())
    if "lr" in constraints and lost:
        print(f"google_cse: `lr` has no {', '.join(lost)}; such keywords are asked without it", file=sys.stderr)


class _Value(Part):
    value: str


class _Country(Part):
    country: _Value


class _Countries(Part):
    bindings: list[_Country]


class _Found(Answer):
    results: _Countries


def commons_words(
    api: Api, sparql: str, constraints: Sequence[CommonsConstraint], iso: Sequence[str], query: Query
) -> str:
    """What is added to a search of Commons (mediawiki.org, Help:WikibaseCirrusSearch), "" without constraints.

    `country`: files whose structured data name one of the countries as country (P17) or country of origin (P495);
    which items these are Wikidata is asked. `language`: files with a caption in the keyword's language.
    """
    words = ""
    if "country" in constraints:
        items = countries(api, sparql, iso)
        words += " haswbstatement:" + "|".join(f"{has}={item}" for has in ("P17", "P495") for item in items)
    if "language" in constraints:
        words += f" hascaption:{query.language}"
    return words


def countries(api: Api, sparql: str, iso: Sequence[str]) -> list[str]:
    """The Wikidata items of ISO 3166-1 codes; `SourceError` when there is none."""
    query = _COUNTRIES % " ".join(f'"{code}"' for code in iso)
    found = api.ask(_Found, sparql, {"query": query, "format": "json"}).results.bindings
    items = [one.country.value.rpartition("/")[2] for one in found]
    if not items:
        raise SourceError(f"Wikidata knows no country of {', '.join(iso)}; correct `iso` of the region's file")
    return items


def with_country(iso: Sequence[str], query: Query) -> str:
    """The keyword and the countries' names (Unicode CLDR) in its language, any of which has to be there as well."""
    names = _names(query.language, tuple(iso))
    if not names:
        return query.text
    any_of = " | ".join(f'"{name}"' for name in names)
    return f"{query.text} ({any_of})" if len(names) > 1 else f"{query.text} {any_of}"


@cache
def _names(language: str, iso: tuple[str, ...]) -> tuple[str, ...]:
    try:
        territories = Locale(language).territories
    except UnknownLocaleError:
        return ()
    return tuple(dict.fromkeys(territories[code] for code in iso if code in territories))
