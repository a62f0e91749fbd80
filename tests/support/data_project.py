"""A workspace for the data half: the project's own params with other sources and regions."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from stages import annotate, caption, collect, deduplicate, ground, relevance, screen, split, unfiled

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = ("collect", "screen", "deduplicate", "annotate", "caption", "ground", "split", "engine")


def write_data_project(
    root: Path, regions: list[str], sources: list[Mapping[str, Any]] | None = None, **changes: Mapping[str, Any]
) -> dict[str, Any]:
    """Write params and annotations under `root`, without `relevance`; `changes` are merged into sections by name."""
    document = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params: dict[str, Any] = {name: dict(document[name]) for name in SECTIONS}
    params |= {"regions": regions, "relevance": []}
    if sources is not None:
        params["collect"]["sources"] = list(sources)
    for name, values in changes.items():
        params[name] |= values
    root.mkdir(parents=True, exist_ok=True)
    (root / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    shutil.copytree(ROOT / "annotations", root / "annotations")
    return params


def run_data_half(regions: list[str]) -> None:
    """Every stage from collect to split, in the current directory."""
    asked = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["relevance"]
    for stage in (collect, screen, *([relevance] if asked else [])):
        for region in regions:
            stage.STAGE.execute(region=region)
    unfiled.STAGE.execute()
    deduplicate.STAGE.execute()
    for stage in (annotate, caption):
        for region in regions:
            stage.STAGE.execute(region=region)
    ground.STAGE.execute()
    split.STAGE.execute()
