"""Ask every source for the pictures of one region; what could not be read is a row as well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from culturebench import funnel
from culturebench.annotation.removed import read_removed
from culturebench.artifacts import candidates
from culturebench.artifacts.candidates import CandidateRow
from culturebench.errors import CultureBenchError
from culturebench.params.collect import AtlasSource, Collect, FolderSource, OnlineSource, ReleaseSource
from culturebench.params.engine import Engine
from culturebench.progress import progress
from culturebench.sources.atlas import Atlas
from culturebench.sources.base import Source
from culturebench.sources.candidate import candidate
from culturebench.sources.folder import Folder
from culturebench.sources.queries import Asked
from culturebench.sources.release import Release
from culturebench.splitting.counts import by_reason
from culturebench.spool import Spool
from culturebench.stage import Paths, Stage, secret, store_url

if TYPE_CHECKING:
    from culturebench.sources.opening import OnlineSources

REMOVED = "annotations/removed.jsonl"
Key = tuple[str, str]  # picture id, file name


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    collect: Collect
    engine: Engine
    region: Asked


def run(params: Params, inputs: Paths, outputs: Paths, *, region: str) -> None:
    """Collect the candidates of one region from every source of `collect.sources`."""
    removed = read_removed(inputs["removed"])
    for source in params.collect.sources:
        removed |= Release(source).removed() if isinstance(source, ReleaseSource) else {}
    asked = [source for source in params.collect.sources if source.regions is None or region in source.regions]
    online = any(isinstance(source, OnlineSource) for source in asked)
    with _web(params, removed) if online else nullcontext() as web, Spool(outputs["candidates"].parent) as images:
        sources = [_source(settings, web) for settings in asked]
        rows = _rows(sources, params.region.language, region, removed, images)
        _refuse_a_bad_harvest(rows, params.collect.min_ok, region)
        candidates.TABLE.save(outputs["candidates"], rows, lambda row: {**row, "image": images.get(_key(row))})
        if web is not None:
            web.seal()
    funnel.say("collect", {region: by_reason((row["status"], row["error"]) for row in rows)})


def _web(params: Params, removed: Collection[str]) -> OnlineSources:
    # Imported only when a source needs it: the atlas and folders start sooner without.
    from culturebench.sources.opening import OnlineSources
    from culturebench.sources.snapshot import Snapshot
    from culturebench.store import Store

    snapshot = Snapshot(Store(store_url()), params.collect.snapshot)
    return OnlineSources(params.collect.web, snapshot, params.region, removed, secret, params.engine)


def _source(settings: AtlasSource | FolderSource | ReleaseSource | OnlineSource, web: OnlineSources | None) -> Source:
    if isinstance(settings, AtlasSource):
        return Atlas(settings)
    if isinstance(settings, FolderSource):
        return Folder(settings)
    if isinstance(settings, ReleaseSource):
        return Release(settings)
    assert web is not None
    return web.open(settings)


def _rows(
    sources: Iterable[Source], language: str, region: str, removed: Collection[str], images: Spool
) -> list[CandidateRow]:
    """One row per file, its bytes in `images`; of a file that several sources or queries found, the first one's."""
    rows: dict[Key, CandidateRow] = {}
    for source in sources:
        for found in progress(source.find(region), None, f"collect {region}"):
            row: CandidateRow = candidate(found, source.kind, region, language)
            if row["picture_id"] in removed or row["sha256"] in removed:
                row = {**row, "status": "failed", "error": "removed", "image": None}
            if _key(row) not in rows:
                images.put(_key(row), row["image"])
                rows[_key(row)] = {**row, "image": None}
    return list(rows.values())


def _key(row: CandidateRow) -> Key:
    return row["picture_id"], row["file_name"]


def _refuse_a_bad_harvest(rows: list[CandidateRow], min_ok: float, region: str) -> None:
    wanted = [row for row in rows if row["error"] != "removed"]
    errors = Counter(row["error"] for row in wanted if row["status"] == "failed")
    failed = errors.total()
    if wanted and 1 - failed / len(wanted) < min_ok:
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(errors.items()))
        raise CultureBenchError(
            f"region {region}: {failed} of {len(wanted)} files could not be read ({reasons}); "
            f"mend the source or lower collect.min_ok ({min_ok:g})"
        )


STAGE = Stage(
    name="collect",
    run=run,
    identities=("region",),
    params=Params,
    inputs={"removed": REMOVED},
    outputs={"candidates": candidates.PATH},
)

if __name__ == "__main__":
    STAGE.main()
