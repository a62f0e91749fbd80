"""The published geometry of the models that are known by name: configs without weights, to plan before a download."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

CONFIGS = Path(__file__).with_name("published.json")


@cache
def published() -> dict[str, dict[str, Any]]:
    """Hub repository -> path inside of it -> the config published there (tests hold them to tests/layouts)."""
    return json.loads(CONFIGS.read_text(encoding="utf-8"))
