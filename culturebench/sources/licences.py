"""What people write as a licence, brought to SPDX ids, and which licence leaves the most freedom."""

from __future__ import annotations

import re

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

UNKNOWN = "unknown"
PUBLIC_DOMAIN = "CC-PDM-1.0"

_VERSION = r"(1\.0|2\.0|2\.1|2\.5|3\.0|4\.0)"
_PORT = r"(igo|scotland|[a-z]{2})"
_URL = re.compile(
    r"(?:https?://)?(?:www\.)?creativecommons\.org/(?:licenses|publicdomain)/"
    rf"(by(?:-nc)?(?:-sa|-nd)?|zero|mark)/{_VERSION}(?:/{_PORT})?(?:/(?:deed|legalcode)[a-z.\-]*)?/?"
)
_BY = re.compile(rf"cc-by(-nc)?(-sa|-nd)?(?:-({_VERSION}(?:[,/\-]+{_VERSION})*))?(?:-{_PORT})?")
_GPL = re.compile(r"(?:gnu-)?([al]?gpl)(?:-?v?(\d)(\.\d)?)?(\+|-or-later|-only)?")
_WORDS = (
    (r"creative[- ]commons", "cc"),
    (r"attribution", "by"),
    (r"non-?commercial", "nc"),
    (r"no-?deriv(?:ative)?s?", "nd"),
    (r"share-?alike", "sa"),
    (r"affero general public", "agpl"),
    (r"(?:lesser|library) general public", "lgpl"),
    (r"general public", "gpl"),
    (r"\b(?:licen[cs]ed?|international|unported|generic|version|public-domain-dedication|universal)\b", ""),
)
#: What is no SPDX id and no Creative Commons licence with its version.
_FIXED = {
    "cc0": "CC0-1.0",
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
    "all-rights-reserved": "LicenseRef-all-rights-reserved",
    "apache-2": "Apache-2.0",
    "expat": "MIT",
    "fal": "LAL-1.3",
    "fal-1.2": "LAL-1.2",
    "fal-1.3": "LAL-1.3",
    "free-art": "LAL-1.3",
    "free-art-1.2": "LAL-1.2",
    "free-art-1.3": "LAL-1.3",
    "odbl": "ODbL-1.0",
    "open-database": "ODbL-1.0",
}
#: `OGL` alone is what Wikimedia Commons calls version 1.
_OGL = re.compile(r"(?:ogl|open-government)(?:-uk)?(?:-?v?(\d)(?:\.0)?)?")
#: In this order; the first that an id begins with. 0 asks nothing, 8 allows nothing.
_RANKS = (
    ("CC0", 0), ("CC-PDM", 0), ("CC-BY-SA", 2), ("CC-BY-NC-SA", 5), ("CC-BY-NC-ND", 7), ("CC-BY-NC", 4),
    ("CC-BY-ND", 6), ("CC-BY", 1), ("MIT", 1), ("Apache", 1), ("OGL", 1), ("GFDL", 3), ("LAL", 3), ("ODbL", 3),
    ("GPL", 3), ("LGPL", 3), ("AGPL", 3), ("LicenseRef", 8), (UNKNOWN, 8),
)  # fmt: skip


def normalise(text: str) -> str:
    """The SPDX id of a licence written as an id, a URL or in words; `unknown` unless the whole text says it.

    Ids that SPDX does not list are those of national ports of Creative Commons, without a version where none is
    given. Of several versions that the text offers it is the newest. A text that names two licences, or anything
    beside one, is unknown: guessing would give rights away.
    """
    plain = " ".join(text.casefold().split())
    if url := _URL.fullmatch(plain):
        return _creative_commons(*url.groups())
    for pattern, short in _WORDS:
        plain = re.sub(pattern, short, plain)
    slug = re.sub(r"[\s_\-]+", "-", re.sub(r"[()]|,(?=\s)", " ", plain)).strip("-., ").removeprefix("the-")
    if slug in _FIXED:
        return _FIXED[slug]
    if by := _BY.fullmatch(slug):
        nc, rest, versions, *_, port = by.groups()
        return _creative_commons(
            "by" + (nc or "") + (rest or ""), max(re.findall(r"\d\.\d", versions or ""), default=None), port
        )
    if gpl := _GPL.fullmatch(slug):
        return _gpl(*gpl.groups())
    if ogl := _OGL.fullmatch(slug):
        return _listed(f"OGL-UK-{ogl[1] or 1}.0")
    return _listed(slug)


def rank(licence: str) -> int:
    """How much a licence id asks of whoever uses the picture: 0 asks nothing, 8 allows nothing."""
    return next((asked for family, asked in _RANKS if re.match(rf"{family}(-|$)", licence)), 7)


def _listed(slug: str) -> str:
    """The id as SPDX writes it, if it is one."""
    try:
        return str(canonicalize_license_expression(slug)) if re.fullmatch(r"[A-Za-z0-9.\-+]+", slug) else UNKNOWN
    except InvalidLicenseExpression:
        return UNKNOWN


def _gpl(kind: str, major: str | None, minor: str | None, more: str | None) -> str:
    """As it stands alone the licence lets anybody choose whichever version there is."""
    if major is None:
        return _listed(f"{kind}-{'2' if kind == 'lgpl' else '1'}.0-or-later")
    return _listed(f"{kind}-{major}{minor or '.0'}-{'or-later' if more in ('+', '-or-later') else 'only'}")


def _creative_commons(kind: str, version: str | None, port: str | None) -> str:
    if kind == "zero":
        return "CC0-1.0"
    if kind == "mark":
        return PUBLIC_DOMAIN
    parts = ["CC", kind.upper(), version or "", (port or "").upper()]
    return "-".join(part for part in parts if part)
