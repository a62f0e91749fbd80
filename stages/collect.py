"""Ask every source for the pictures of one region; what could not be read is a row as well."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from culturebench.artifacts import candidates
from culturebench.errors import CultureBenchError
from culturebench.params.collect import AtlasSource, Collect, FolderSource
from culturebench.progress import progress
from culturebench.sources.atlas import Atlas
from culturebench.sources.base import Source
from culturebench.sources.candidate import candidate
from culturebench.sources.folder import Folder
from culturebench.stage import Stage


def run(params: SimpleNamespace, inputs: dict[str, Path], outputs: dict[str, Path], *, region: str) -> None:
    """Collect the candidates of one region from every source of `collect.sources`."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for settings in params.collect.sources:
        source = _source(settings)
        for found in progress(source.find(region), None, f"collect {region}"):
            row = candidate(found, source.kind, region)
            rows.setdefault((row["picture_id"], row["file_name"]), row)
    _refuse_a_bad_harvest(list(rows.values()), params.collect.minimum_ok, region)
    candidates.TABLE.save(outputs["candidates"], rows.values())


def _source(settings: AtlasSource | FolderSource) -> Source:
    return Atlas(settings) if isinstance(settings, AtlasSource) else Folder(settings)


def _refuse_a_bad_harvest(rows: list[dict[str, Any]], minimum_ok: float, region: str) -> None:
    errors = Counter(row["error"] for row in rows if row["status"] == "failed")
    failed = errors.total()
    if rows and 1 - failed / len(rows) < minimum_ok:
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(errors.items()))
        raise CultureBenchError(
            f"region {region}: {failed} of {len(rows)} files could not be read ({reasons}); "
            f"mend the source or lower collect.minimum_ok ({minimum_ok:g})"
        )


STAGE = Stage(
    name="collect",
    run=run,
    identities=("region",),
    sections=(Collect,),
    outputs={"candidates": candidates.PATH},
)

if __name__ == "__main__":
    STAGE.main()
