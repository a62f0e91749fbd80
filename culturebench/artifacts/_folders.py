"""Folders of artifacts that stages depend on and that nobody fills where sections of params.yaml are empty."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: Sections of params.yaml -> folders of what is made for their entries, which `evaluate` and `report` depend on: where
#: one of the sections is empty nothing would make them, and DVC does not start a stage whose folders are missing.
FOLDERS = {
    ("models", "judges"): (
        *("data/answers", "data/measured", "data/one_prompt", "data/pictures"),
        "data/attention",
        *("models/enhancer", "models/strength", "reports/metrics/reliability", "reports/metrics/selectors"),
        "reports/metrics/english",
    ),
    ("models", "judges", "adapters"): ("models/adapter", "data/adapted", "reports/metrics/adapters"),
    ("relevance",): ("data/relevance",),
    ("audits",): ("reports/metrics/audits", "reports/metrics/judge_audits"),
}


def make_unfilled(root: Path, document: Mapping[str, Any]) -> None:
    """Make those that nothing would make with the params of `document`."""
    for sections, folders in FOLDERS.items():
        if not all(document.get(section) for section in sections):
            for folder in folders:
                (root / folder).mkdir(parents=True, exist_ok=True)
