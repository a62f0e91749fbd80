"""Drop candidates that nobody should have to look at; every drop has a reason, and what is in doubt is marked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

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
Key = tuple[str, str]  # picture id, file name


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    screen: Screen
    engine: Engine


def run(params: Params, inputs: Paths, outputs: Paths, *, region: str) -> None:
    """Screen the candidates of one region by the rules of the `screen` section."""
    removed = read_removed(inputs["removed"])
    found = candidates.TABLE.load(
        inputs["candidates"], [name for name in candidates.TABLE.schema.names if name != "image"]
    )
    # The best licensed copy of the same bytes comes first, and so is the one that stays.
    found.sort(key=lambda row: (row["picture_id"], rank(row["licence"]), row["file_name"]))
    known = {_key(row): _known(row, removed) for row in found}
    seen = _seen(inputs["candidates"], {key for key, result in known.items() if result is None}, params, region)
    results = _without_copies(found, [known[_key(row)] or seen[_key(row)] for row in found])
    if params.screen.relevance or params.screen.safety:
        _consult(inputs["candidates"], found, results, params.screen, region)
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


def _key(row: CandidateRow) -> Key:
    return row["picture_id"], row["file_name"]


def _files(path: Path, asked: Collection[Key]) -> Iterator[CandidateRow]:
    """Some candidates with their bytes, in the order of the table."""
    columns = ("picture_id", "file_name", "licence", "query", "image")
    return (row for row in candidates.TABLE.stream(path, columns) if _key(row) in asked)


def _seen(path: Path, asked: Collection[Key], params: Params, region: str) -> dict[Key, Screened]:
    """What each of these pictures itself shows."""
    order: list[Key] = []

    def files() -> Iterator[tuple[bytes, str]]:
        for row in _files(path, asked):
            order.append(_key(row))
            yield row["image"] or b"", row["licence"]

    worker = each(partial(_screen, params.screen))
    batches, total = in_batches(files(), BATCH), -(-len(asked) // BATCH)
    label = f"screen {region}"
    done = map_batches(worker, batches, engine=params.engine, label=label, total=total, place="threads")
    results = [result for batch in done for result in batch if isinstance(result, Screened)]
    return dict(zip(order, results, strict=True))


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


def _consult(path: Path, rows: Sequence[CandidateRow], results: list[Screened], rules: Screen, region: str) -> None:
    """Ask the user's own functions about what is left; models, so one batch after the other."""
    left = {_key(row): place for place, (row, one) in enumerate(zip(rows, results, strict=True)) if not one.reason}

    def size(row: CandidateRow) -> int:
        result = results[left[_key(row)]]
        return RGB_BYTES * result.width * result.height

    for batch in progress(fitting(_files(path, left), size, ROOM.size // 2, BATCH), label=f"consult {region}"):
        files, queries = [row["image"] or b"" for row in batch], [row["query"] for row in batch]
        places = [left[_key(row)] for row in batch]
        judged = consult([results[place] for place in places], files, queries, rules)
        for place, result in zip(places, judged, strict=True):
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
