"""What people write as a licence, brought to SPDX-like ids, and which licence leaves the most freedom."""

from __future__ import annotations

import re

UNKNOWN = "unknown"
PUBLIC_DOMAIN = "PDM-1.0"

_URL = re.compile(
    r"(?:https?://)?(?:www\.)?creativecommons\.org/(?:licenses|publicdomain)/"
    r"(by(?:-nc)?(?:-sa|-nd)?|zero|mark)/(\d\.\d)(?:/([a-z]{2}))?(?:/(?:deed|legalcode)[a-z.\-]*)?/?"
)
_BY = re.compile(r"cc-by(-nc)?(-sa|-nd)?(?:-(\d\.\d))?(?:-([a-z]{2}))?")
_WORDS = (
    (r"creative[- ]commons", "cc"),
    (r"attribution", "by"),
    (r"non-?commercial", "nc"),
    (r"no-?deriv(?:ative)?s?", "nd"),
    (r"share-?alike", "sa"),
    (r"\b(?:licen[cs]ed?|international|unported|generic|version|public-domain-dedication|universal)\b", ""),
)
_FIXED = {
    "cc0": "CC0-1.0",
    "cc0-1.0": "CC0-1.0",
    "cc-0": "CC0-1.0",
    "cc-zero": "CC0-1.0",
    "cc-zero-1.0": "CC0-1.0",
    "public-domain": PUBLIC_DOMAIN,
    "public-domain-mark": PUBLIC_DOMAIN,
    "public-domain-mark-1.0": PUBLIC_DOMAIN,
    "pd": PUBLIC_DOMAIN,
    "pdm": PUBLIC_DOMAIN,
    "pdm-1.0": PUBLIC_DOMAIN,
    "gfdl": "GFDL-1.2-or-later",
    "gfdl-1.2-or-later": "GFDL-1.2-or-later",
    "gfdl-1.3-or-later": "GFDL-1.3-or-later",
    "all-rights-reserved": "LicenseRef-all-rights-reserved",
}
_FREEDOM = ("CC0", "PDM", "CC-BY-SA", "CC-BY-NC-SA", "CC-BY-NC-ND", "CC-BY-NC", "CC-BY-ND", "CC-BY", "GFDL")
_RANK = {"CC0": 0, "PDM": 0, "CC-BY": 1, "CC-BY-SA": 2, "GFDL": 3, "CC-BY-NC": 4, "CC-BY-NC-SA": 5, "CC-BY-ND": 6}


def normalise(text: str) -> str:
    """The SPDX-like id of a licence written as an id, a URL or in words; `unknown` unless the whole text says it.

    A text that names two licences, or anything beside one, is unknown: guessing would give rights away.
    """
    plain = " ".join(text.casefold().split())
    if url := _URL.fullmatch(plain):
        return _creative_commons(*url.groups())
    for pattern, short in _WORDS:
        plain = re.sub(pattern, short, plain)
    slug = re.sub(r"[\s_\-]+", "-", re.sub(r"[()]", " ", plain)).strip("-.")
    if slug in _FIXED:
        return _FIXED[slug]
    if by := _BY.fullmatch(slug):
        nc, rest, version, port = by.groups()
        return _creative_commons("by" + (nc or "") + (rest or ""), version, port)
    return UNKNOWN


def rank(licence: str) -> int:
    """How much a licence id asks of whoever uses the picture: 0 asks nothing, 8 allows nothing."""
    for family in _FREEDOM:
        if licence == family or re.match(rf"{family}-\d", licence):
            return _RANK.get(family, 7)
    return 8


def _creative_commons(kind: str, version: str | None, port: str | None) -> str:
    if kind == "zero":
        return "CC0-1.0"
    if kind == "mark":
        return PUBLIC_DOMAIN
    parts = ["CC", kind.upper(), version or "", (port or "").upper()]
    return "-".join(part for part in parts if part)
