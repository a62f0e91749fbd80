"""Where the text of a licence stands, and what a dataset card calls it."""

from __future__ import annotations

import re

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

_CREATIVE_COMMONS = re.compile(r"CC-(BY(?:-NC)?(?:-SA|-ND)?)-(\d\.\d)(?:-([A-Z]{2}))?")
_FIXED = {
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC-PDM-1.0": "https://creativecommons.org/publicdomain/mark/1.0/",
    "GFDL-1.2-or-later": "https://www.gnu.org/licenses/old-licenses/fdl-1.2.html",
    "GFDL-1.3-or-later": "https://www.gnu.org/licenses/fdl-1.3.html",
}
#: Licences that a card on the Hugging Face hub may name; every other one is `other` there.
_ON_CARDS = {
    "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0",
    "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0",
    "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "mit", "apache-2.0",
}  # fmt: skip


def licence_url(licence: str) -> str:
    """The address of the text of an SPDX-like id; empty for one that has none."""
    if found := _CREATIVE_COMMONS.fullmatch(licence):
        kind, version, port = found.groups()
        return f"https://creativecommons.org/licenses/{kind.lower()}/{version}/" + (f"{port.lower()}/" if port else "")
    return _FIXED.get(licence) or (f"https://spdx.org/licenses/{licence}.html" if _is_listed(licence) else "")


def _is_listed(licence: str) -> bool:
    """Whether SPDX has a page of the licence."""
    try:
        return canonicalize_license_expression(licence) == licence and not licence.startswith("LicenseRef-")
    except InvalidLicenseExpression:
        return False


def on_card(licence: str) -> str:
    """The id for the front matter of a dataset card."""
    return licence.lower() if licence.lower() in _ON_CARDS else "other"
