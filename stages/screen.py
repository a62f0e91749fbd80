"""Drop candidates that nobody should have to look at; every drop has a reason."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from culturebench.annotation.removed import read_removed
from culturebench.artifacts import candidates, screened
from culturebench.images.screening import Screened, screen
from culturebench.params.screen import Screen
from culturebench.progress import progress
from culturebench.sources.licences import rank
from culturebench.stage import Stage

REMOVED = "annotations/removed.jsonl"


def run(params: SimpleNamespace, inputs: dict[str, Path], outputs: dict[str, Path], *, region: str) -> None:
    """Screen the candidates of one region by the rules of the `screen` section."""
    removed = read_removed(inputs["removed"])
    found = candidates.TABLE.load(inputs["candidates"])
    # The best licensed copy of the same bytes comes first, and so is the one that stays.
    found.sort(key=lambda row: (row["picture_id"], rank(row["licence"]), row["file_name"]))
    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    for row in progress(found, len(found), f"screen {region}"):
        result = _screen(row, removed, params.screen)
        if not result.reason and row["picture_id"] in seen:
            result = Screened("same_bytes", result.width, result.height, result.sharpness, "the same file again")
        if not result.reason:
            seen.add(row["picture_id"])
        rows.append(_row(row, result))
    screened.TABLE.save(outputs["screened"], rows)


def _screen(row: dict[str, Any], removed: dict[str, str], rules: Screen) -> Screened:
    if row["status"] == "failed":
        return Screened(row["error"], detail=f"could not be read: {row['error']}")
    for key in (row["picture_id"], row["sha256"]):
        if key in removed:
            return Screened("removed", detail=f"taken down: {removed[key]}")
    return screen(row["image"], row["licence"], rules)


def _row(row: dict[str, Any], result: Screened) -> dict[str, Any]:
    return {
        "picture_id": row["picture_id"],
        "region": row["region"],
        "file_name": row["file_name"],
        "status": "dropped" if result.reason else "kept",
        "reason": result.reason,
        "width": result.width,
        "height": result.height,
        "blur": result.sharpness,
        "detail": result.detail,
    }


STAGE = Stage(
    name="screen",
    run=run,
    identities=("region",),
    sections=(Screen,),
    inputs={"candidates": candidates.PATH, "removed": REMOVED},
    outputs={"screened": screened.PATH},
)

if __name__ == "__main__":
    STAGE.main()
