"""The regions of a project at a glance: a line for each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from culturebench.artifacts import splits
from culturebench.params import RegionPart, load_document, load_region
from culturebench.params._region import REGIONS_FOLDER


class _Shown(RegionPart):
    country: str
    language: str
    subdivisions: dict[str, Any]


@dataclass(frozen=True)
class RegionSummary:
    """One region file, with the keys of its subdivisions.

    `active` when `params.yaml` lists it; `pictures` is their number in all three splits, None before a run.
    """

    code: str
    country: str
    language: str
    subdivisions: tuple[str, ...]
    active: bool
    pictures: int | None


def overview(root: Path) -> Iterator[RegionSummary]:
    """Every region that has a file: those of `params.yaml` first and in its order, then the spare ones by code."""
    folder = root / REGIONS_FOLDER
    active = list(load_document(root / "params.yaml")["regions"])
    spare = sorted({path.stem for path in folder.glob("*.yaml")} - set(active))
    counts = _pictures(root / splits.COUNTS)
    for code in [*active, *spare]:
        shown = load_region(_Shown, code, folder)
        yield RegionSummary(
            code=code,
            country=shown.country,
            language=shown.language,
            subdivisions=tuple(shown.subdivisions),
            active=code in active,
            pictures=counts.get(code),
        )


def _pictures(path: Path) -> dict[str, int]:
    """Region -> pictures in all splits; nothing before the first run."""
    if not path.is_file():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {code: int(stages["split"]["kept"]) for code, stages in content["regions"].items()}
