"""List the files of folders and manifests that are of no region, so that none is left out silently."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from culturebench.artifacts import unfiled as artifact
from culturebench.artifacts.unfiled import UnfiledRow
from culturebench.params.collect import Collect, FolderSource, UrlsSource
from culturebench.params.regions import Regions
from culturebench.sources.unfiled import Unfiled, describe, unfiled
from culturebench.stage import Paths, Stage


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    collect: Collect
    regions: Regions


def run(params: Params, inputs: Paths, outputs: Paths) -> None:
    """Write a row for every file of `collect.sources` that none of `regions` would collect."""
    del inputs
    found: list[tuple[int, Unfiled]] = []
    for number, source in enumerate(params.collect.sources):
        if isinstance(source, FolderSource | UrlsSource):
            found += [(number, one) for one in unfiled(source, list(params.regions))]
    rows = [_row(number, one) for number, one in found]
    artifact.TABLE.save(outputs["unfiled"], rows)
    print(describe(outputs["unfiled"], rows), file=sys.stderr)


def _row(number: int, found: Unfiled) -> UnfiledRow:
    return {
        "source": number,
        "file_name": found.file_name,
        "region": found.region,
        "status": "dropped",
        "reason": found.reason,
        "detail": found.detail,
    }


STAGE = Stage(name="unfiled", run=run, params=Params, outputs={"unfiled": artifact.PATH})

if __name__ == "__main__":
    STAGE.main()
