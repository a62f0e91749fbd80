"""Kills the pipeline a thousand times, at every stage and at the worst moments, and looks at what is left.

`python -m benchmarks.soak --kills 1000` works on the shrunken atlas in build/soak and writes docs/soak.md. Each line of
build/soak/series.jsonl is one series that has ended well; a stopped command goes on after the last one. A clock that
jumps needs `pip install libfaketime`, a full disk and a store that can only be read need root: else they are left out.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from benchmarks.soak.experts import of_pull, of_push  # noqa: E402
from benchmarks.soak.hazards import HAZARDS, met  # noqa: E402
from benchmarks.soak.kill import SoakError  # noqa: E402
from benchmarks.soak.series import of_checkpoints, of_experiments, of_flows, of_runs  # noqa: E402
from culturebench.progress import progress  # noqa: E402
from workspace import Workspace  # noqa: E402  # the shrunken atlas of the tests

PER_SERIES = 20
SERIES = {"checkpoints": of_checkpoints, "flows": of_flows, "experiments": of_experiments, "push": of_push,
          "pull": of_pull, "runs": of_runs}  # fmt: skip
#: Of twenty series so many are of the kind; the others are of whole runs.
SHARES = {"checkpoints": 1, "flows": 1, "experiments": 1, "push": 1, "pull": 1}


def main() -> None:
    """Run what no earlier call has, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="all kills together; %(default)s")
    parser.add_argument("--folder", type=Path, default=ROOT / "build/soak", help="where workspaces and results lie")
    parser.add_argument("--page", type=Path, default=ROOT / "docs/soak.md", help="the page that is written")
    chosen = parser.parse_args()
    folder = chosen.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        rows = soak(folder, chosen.kills)
    except SoakError as error:
        sys.exit(f"soak: {error}")
    chosen.page.write_text(page(rows), encoding="utf-8")
    print(f"The page is at {chosen.page}")


def soak(folder: Path, kills: int) -> list[dict[str, Any]]:
    """Every series and hazard, one row each; `SoakError` at the first that something is wrong with."""
    finished, results = undisturbed(folder / "undisturbed"), folder / "series.jsonl"
    rows: list[dict[str, Any]] = (
        [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()] if results.exists() else []
    )
    done = {(row["kind"], row["number"]) for row in rows}
    planned = [("hazard", number) for number in range(len(HAZARDS))] + plan(kills)
    for kind, number in progress([entry for entry in planned if entry not in done], label="series"):
        place, started = folder / "at-work", time.monotonic()
        shutil.rmtree(place, ignore_errors=True)
        row: dict[str, Any] = {"kind": kind, "number": number}
        if kind == "hazard":
            row |= {"name": HAZARDS[number].name, "what": met(HAZARDS[number], finished, place)}
        else:
            found = SERIES[kind](finished, place, PER_SERIES, Random(f"{kind} {number}"))
            row |= {"kills": dict(found.kills), "runs": found.runs}
        row["seconds"] = round(time.monotonic() - started, 1)
        with results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        rows.append(row)
    return rows


def plan(kills: int) -> list[tuple[str, int]]:
    """Kind and number of every series, the rare kinds first."""
    whole = -(-kills // PER_SERIES)
    rare = [(kind, number) for kind, share in SHARES.items() for number in range(max(1, whole * share // 20))]
    return rare + [("runs", number) for number in range(max(1, whole - len(rare)))]


def undisturbed(folder: Path) -> Workspace:
    """A run that nobody disturbs, kept for all calls."""
    workspace = Workspace(folder / "project", folder / "store")
    if not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        workspace = Workspace.fresh(folder)
        workspace.repro()
        (folder / "done").touch()
    return workspace


_INTRODUCTION = """# Killed a thousand times

`python -m benchmarks.soak --kills 1000` writes this page. On the shrunken atlas it kills commands and all that they
have started with SIGKILL, twenty times on one workspace: at moments spread over all stages, and where a file is half
its old and half its new self. After every kill nothing may be at work, and what stages have finished must be, byte by
byte, what an undisturbed run writes; the last run of a workspace must end with the undisturbed dvc.lock. CI kills some
thirty times.
"""


def page(rows: list[dict[str, Any]]) -> str:
    """docs/soak.md."""
    kills: Counter[str] = Counter()
    for row in rows:
        kills.update(row.get("kills", {}))
    lines = [
        _INTRODUCTION,
        f"{kills.total():,} kills in {sum(row['seconds'] for row in rows) / 60:.0f} minutes; "
        f"{sum(row.get('runs', 0) for row in rows)} workspaces came to their end, all with the same bytes.",
        "",
        "| killed | times |",
        "|---|---:|",
        *(f"| {name} | {times} |" for name, times in sorted(kills.items(), key=lambda entry: -entry[1])),
        "",
        "| a run with | what became of it |",
        "|---|---|",
        *(f"| {row['name']} | {row['what']} |" for row in rows if row["kind"] == "hazard"),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
