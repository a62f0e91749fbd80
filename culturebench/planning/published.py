"""The published geometry of the models that are known by name: configs without weights, to plan before a download."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturebench.errors import CultureBenchError

if TYPE_CHECKING:
    from culturebench.params.models import Model

#: Adapters of models whose shapes are known without their weights.
ADAPTERS = ("altdiffusion", "pea_diffusion", "sdxl", "sd35", "flux")
CONFIGS = Path(__file__).with_name("published.json")


@cache
def published() -> dict[str, dict[str, Any]]:
    """Hub repository -> path inside of it -> the config published there (tests hold them to tests/layouts)."""
    return json.loads(CONFIGS.read_text(encoding="utf-8"))


class GeometryError(CultureBenchError):
    """A model whose shapes are not known."""


def need_published(model: Model) -> None:
    """`GeometryError` for a model of an adapter without published shapes."""
    if model.adapter not in ADAPTERS:
        raise GeometryError(
            f"the adapter {model.adapter} has no published geometry here; time and memory are estimated for: "
            f"{', '.join(ADAPTERS)}"
        )
