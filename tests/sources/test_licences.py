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
        ("Public domain", "CC-PDM-1.0"),
        ("PDM-1.0", "CC-PDM-1.0"),
        ("CC BY-SA 3.0 IGO", "CC-BY-SA-3.0-IGO"),
        ("https://creativecommons.org/licenses/by/3.0/igo/", "CC-BY-3.0-IGO"),
        ("CC BY-SA 4.0,3.0,2.5,2.0,1.0", "CC-BY-SA-4.0"),
        ("CC BY-SA 2.5, 2.0, 1.0", "CC-BY-SA-2.5"),
        ("CC BY-SA 4.0-3.0-2.5-2.0-1.0", "CC-BY-SA-4.0"),
        ("CC BY 9.9", "unknown"),
        ("GPL", "GPL-1.0-or-later"),
        ("GPLv2+", "GPL-2.0-or-later"),
        ("GPL-3.0", "GPL-3.0-only"),
        ("GNU General Public License v3.0 or later", "GPL-3.0-or-later"),
        ("GNU Lesser General Public License version 2.1", "LGPL-2.1-only"),
        ("AGPLv3", "AGPL-3.0-only"),
        ("GPL 7", "unknown"),
        ("MIT", "MIT"),
        ("The MIT License", "MIT"),
        ("Apache License 2.0", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("FAL", "LAL-1.3"),
        ("Free Art License 1.3", "LAL-1.3"),
        ("OGL", "OGL-UK-1.0"),
        ("OGL 3", "OGL-UK-3.0"),
        ("Open Government Licence v3.0", "OGL-UK-3.0"),
        ("OGL-Canada-2.0", "OGL-Canada-2.0"),
        ("ODbL", "ODbL-1.0"),
        ("ODbL 1.0", "ODbL-1.0"),
        ("GFDL", "GFDL-1.2-or-later"),
        ("GFDL-1.3-or-later", "GFDL-1.3-or-later"),
        ("bsd-3-clause", "BSD-3-Clause"),
        ("LicenseRef-all-rights-reserved", "LicenseRef-all-rights-reserved"),
        ("MIT or Apache-2.0", "unknown"),
        ("MIT and others", "unknown"),
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
    assert rank("CC-PDM-1.0") == 0 and rank("GPL-3.0-only") == rank("LAL-1.3") and rank("WTFPL") == 7
    order = ["CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-NC-ND-4.0", "unknown"]
    ranks = [rank(licence) for licence in order]
    assert ranks == sorted(set(ranks))


def test_every_id_is_what_its_own_text_becomes_and_is_on_the_list_of_spdx():
    from packaging.licenses import canonicalize_license_expression

    for text in ("CC0", "pd", "gfdl", "fal", "ogl", "odbl", "expat", "GPL", "LGPL", "CC BY-SA 3.0 IGO", "CC BY-NC 4.0"):
        licence = normalise(text)
        assert normalise(licence) == licence == canonicalize_license_expression(licence)
