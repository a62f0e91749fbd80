"""What people write as a licence becomes an SPDX-like id, or unknown."""

from __future__ import annotations

import pytest

from culturebench.sources.licences import normalise, rank


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CC BY 4.0", "CC-BY-4.0"),
        ("cc-by-sa-3.0", "CC-BY-SA-3.0"),
        ("CC BY-SA 3.0 de", "CC-BY-SA-3.0-DE"),
        ("https://creativecommons.org/licenses/by-nc-nd/2.0/", "CC-BY-NC-ND-2.0"),
        ("http://creativecommons.org/licenses/by/3.0/nl/deed.nl", "CC-BY-3.0-NL"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("Creative Commons Attribution-ShareAlike 4.0 International (CC BY-SA 4.0)", "unknown"),
        ("Creative Commons Attribution-ShareAlike 4.0 International", "CC-BY-SA-4.0"),
        ("Attribution-NonCommercial 4.0", "unknown"),
        ("CC0", "CC0-1.0"),
        ("CC0 1.0 Universal", "CC0-1.0"),
        ("Public domain", "PDM-1.0"),
        ("CC BY", "CC-BY"),
        ("All rights reserved", "LicenseRef-all-rights-reserved"),
        ("CC BY 4.0 or GFDL", "unknown"),
        ("not CC0", "unknown"),
        ("CC BY-SA-ND 4.0", "unknown"),
        ("see website", "unknown"),
        ("", "unknown"),
    ],
)
def test_only_a_text_that_says_nothing_else_is_believed(text: str, expected: str):
    assert normalise(text) == expected


def test_freedom_falls_from_public_domain_to_unknown():
    order = ["CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-NC-ND-4.0", "unknown"]
    ranks = [rank(licence) for licence in order]
    assert ranks == sorted(set(ranks))
