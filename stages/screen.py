"""Drop candidates that nobody should have to look at; every drop has a reason, and what is in doubt is marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from culturebench import funnel
from culturebench.annotation.removed import read_removed
from culturebench.artifacts import candidates, screened
from culturebench.artifacts.candidates import CandidateRow
from culturebench.artifacts.screened import ScreenedRow
from culturebench.engine.batches import map_batches
from culturebench.engine.worker import each, fitting, in_batches
from culturebench.images.decode import RGB_BYTES, ROOM
from culturebench.images.screening import Screened, consult, screen
from culturebench.params.engine import Engine
from culturebench.params.screen import Screen
from culturebench.progress import progress
from culturebench.sources.licences import rank
from culturebench.splitting.counts import screening_counts
from culturebench.stage import Paths, Stage

REMOVED = "annotations/removed.jsonl"
BATCH = 32  # pictures


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    screen: Screen
    engine: Engine


def run(params: Params, inputs: Paths, outputs: Paths, *, region: str) -> None:
    """Screen the candidates of one region by the rules of the `screen` section."""
    removed = read_removed(inputs["removed"])
    found = candidates.TABLE.load(inputs["candidates"])
    # The best licensed copy of the same bytes comes first, and so is the one that stays.
    found.sort(key=lambda row: (row["picture_id"], rank(row["licence"]), row["file_name"]))
    known = [_known(row, removed) for row in found]
    unknown = [row for row, result in zip(found, known, strict=True) if result is None]
    seen = iter(_seen(unknown, params.screen, params.engine, region))
    results = _without_copies(found, [next(seen) if result is None else result for result in known])
    if params.screen.relevance or params.screen.safety:
        _consult(found, results, params.screen, region)
    rows = [_row(row, result) for row, result in zip(found, results, strict=True)]
    screened.TABLE.save(outputs["screened"], rows)
    funnel.say("screen", {region: screening_counts(rows)})


def _known(row: CandidateRow, removed: dict[str, str]) -> Screened | None:
    """What needs no look at the picture."""
    if row["status"] == "failed":
        return Screened(row["error"], f"could not be read: {row['error']}")
    for key in (row["picture_id"], row["sha256"]):
        if key in removed:
            return Screened("removed", f"taken down: {removed[key]}")
    return None


def _seen(rows: Sequence[CandidateRow], rules: Screen, engine: Engine, region: str) -> list[Screened]:
    """What each picture itself shows."""
    batches = in_batches(((row["image"] or b"", row["licence"]) for row in rows), BATCH)
    worker = each(partial(_screen, rules))
    total = -(-len(rows) // BATCH)
    done = map_batches(worker, batches, engine=engine, label=f"screen {region}", total=total, place="threads")
    return [result for batch in done for result in batch if isinstance(result, Screened)]


def _screen(rules: Screen, file: tuple[bytes, str]) -> Screened:
    return screen(*file, rules)


def _without_copies(rows: Sequence[CandidateRow], results: Sequence[Screened]) -> list[Screened]:
    """Of the same bytes only the first that may stay."""
    stays: set[str] = set()
    unique: list[Screened] = []
    for row, result in zip(rows, results, strict=True):
        if not result.reason and row["picture_id"] in stays:
            result = replace(result, reason="same_bytes", detail="the same file again")
        if not result.reason:
            stays.add(row["picture_id"])
        unique.append(result)
    return unique


def _consult(rows: Sequence[CandidateRow], results: list[Screened], rules: Screen, region: str) -> None:
    """Ask the user's own functions about what is left; models, so one batch after the other."""
    left = [place for place, result in enumerate(results) if not result.reason]

    def size(place: int) -> int:
        return RGB_BYTES * results[place].width * results[place].height

    for batch in progress(list(fitting(left, size, ROOM.size // 2, BATCH)), label=f"consult {region}"):
        files, queries = [rows[place]["image"] or b"" for place in batch], [rows[place]["query"] for place in batch]
        judged = consult([results[place] for place in batch], files, queries, rules)
        for place, result in zip(batch, judged, strict=True):
            results[place] = result


def _row(row: CandidateRow, result: Screened) -> ScreenedRow:
    return {
        "picture_id": row["picture_id"],
        "region": row["region"],
        "file_name": row["file_name"],
        "status": "dropped" if result.reason else "kept",
        "reason": result.reason,
        "width": result.width,
        "height": result.height,
        "borderline": [] if result.reason else list(result.borderline),
        "detail": result.detail,
        "resolution": result.measured.get("resolution"),
        "aspect": result.measured.get("aspect"),
        "uniform": result.measured.get("uniform"),
        "blur": result.measured.get("blur"),
        "relevance": result.measured.get("relevance"),
        "safety": result.measured.get("safety"),
    }


STAGE = Stage(
    name="screen",
    run=run,
    identities=("region",),
    params=Params,
    inputs={"candidates": candidates.PATH, "removed": REMOVED},
    outputs={"screened": screened.PATH},
)

if __name__ == "__main__":
    STAGE.main()
