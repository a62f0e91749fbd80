"""What stages took in the last runs of this project, by the model that they are of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

#: Written by the command `repro` for its own estimate.
FILE = ".dvc/tmp/culturebench/seconds.json"


def measured(root: Path) -> dict[str, float]:
    """Stage, as DVC names it -> seconds of its last run here; empty where none was."""
    try:
        content = json.loads((root / FILE).read_text(encoding="utf-8"))
        return {str(name): float(seconds) for name, seconds in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def seconds_of(stage: str, owners: Sequence[str], found: Mapping[str, float]) -> float | None:
    """The sum over a planned stage's parts that are of one of `owners` (a model, an encoder); None where none ran.

    `stage` is as in `Amount`, such as `train_enhancer@culture` or `generate (5 conditions)`.
    """
    group, _, part = stage.partition(" ")[0].partition("@")
    sums = [
        seconds
        for name, seconds in found.items()
        if name.partition("@")[0] == group and _of(name.partition("@")[2], owners, part)
    ]
    return sum(sums) if sums else None


def _of(identity: str, owners: Sequence[str], part: str) -> bool:
    if not identity:  # one stage for all
        return True
    told = f"-{identity}-"
    return any(f"-{owner}-" in told for owner in owners) and (not part or f"-{part}-" in told)
