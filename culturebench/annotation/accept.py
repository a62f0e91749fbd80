"""One person's word for all pictures of a region at once, for who chose them in the first place."""

from __future__ import annotations

import json
import os
from pathlib import Path

from culturebench.annotation.decisions import Decision
from culturebench.annotation.lines import read_lines
from culturebench.artifacts import duplicates
from culturebench.errors import CultureBenchError

DECISIONS = "annotations/decisions/{region}.jsonl"


def accept(root: Path, region: str, annotator: str) -> int:
    """Let `annotator` keep every unique picture of the region that they have not decided on and nobody has rejected.

    The lines are added to `annotations/decisions/`, sorted as a pull leaves them; returns how many are new. Raises
    `CultureBenchError` without a name, or when the stage `deduplicate` has not run.
    """
    if not annotator.strip():
        raise CultureBenchError("a decision needs the name of who made it; a pseudonym will do")
    path = root / DECISIONS.format(region=region)
    before = [decision for _, decision in read_lines(path, Decision)]
    settled = {one.picture_id for one in before if one.annotator == annotator.strip() or one.verdict == "reject"}
    rows = duplicates.TABLE.load(root / duplicates.PATH.format(region=region), ["picture_id", "status"])
    waiting = [row["picture_id"] for row in rows if row["status"] == "kept" and row["picture_id"] not in settled]
    new = [Decision(picture_id=name, annotator=annotator.strip(), verdict="keep") for name in waiting]
    every = sorted([*before, *new], key=lambda one: (one.picture_id, one.annotator))
    lines = [json.dumps(one.model_dump(), ensure_ascii=False, separators=(",", ":")) + "\n" for one in every]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text("".join(lines), encoding="utf-8")
    temporary.replace(path)
    return len(new)
