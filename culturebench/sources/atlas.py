"""The embedded world as a source: rendered pictures with provenance, licences and planted defects."""

from __future__ import annotations

from collections.abc import Iterator

from culturebench.atlas.collection import Finding, findings
from culturebench.atlas.defects import picture_file
from culturebench.params.collect import AtlasSource
from culturebench.sources.base import About, Found

_LICENCES = (
    "CC0 1.0",
    "CC BY 4.0",
    "CC BY-SA 4.0",
    "https://creativecommons.org/licenses/by-sa/4.0/",
    "Creative Commons Attribution 3.0 Unported",
    "Public domain",
)
_BAD_LICENCES = ("All rights reserved", "CC BY-NC-ND 4.0", "", "see website")
_AUTHORS = 40
_SHARED_PAGES = 0.05


class Atlas:
    """Draws the first `params.pictures` findings of a region."""

    kind = "atlas"

    def __init__(self, params: AtlasSource) -> None:
        self._params = params

    def find(self, region: str) -> Iterator[Found]:
        """One file a finding, in the findings' order; none for a region outside the atlas."""
        for finding in findings(region, self._params.pictures, self._params.planted.model_dump()):
            yield self._found(finding)

    def _found(self, finding: Finding) -> Found:
        name, data = picture_file(finding, self._params.size)
        dice = finding.dice("provenance")
        licences = _BAD_LICENCES if finding.planted == "badly_licensed" else _LICENCES
        shared = finding.index > 0 and dice.uniform() < _SHARED_PAGES
        page = finding.index - 1 if shared else finding.index
        return Found(
            file_name=name,
            data=data,
            query=f"atlas {finding.region}",
            page_url=f"https://atlas.invalid/{finding.region}/{page:05d}",
            file_url=f"https://atlas.invalid/files/{name}",
            author=f"Atlas painter {int(dice.integers(_AUTHORS)) + 1}",
            licence_text=licences[int(dice.integers(len(licences)))],
            about=About(scene=finding.scene, planted=finding.planted),
            picture_id=finding.picture_id,
        )
