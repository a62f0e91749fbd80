"""What masking each selector's neurons does: to their own region's pictures, and to those of other regions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from culturebench.artifacts._json import load_json, save_json
from culturebench.artifacts._table import ArtifactError

STAGE = "compare_selectors"
DIRECTORY = "reports/metrics/selectors"
PATH = DIRECTORY + "/{model}.json"
#: Of every selector: mean neurons a region, and four drops of CultureVQA with their intervals. `own`: on the region's
#: prompts; `cross`: on other regions'; `selective`: own minus cross; `beyond_random`: own minus random's own.
EFFECTS = ("own", "cross", "selective", "beyond_random")
#: Of every cell of a selector's matrix: `source`'s neurons masked on `target`'s prompts.
CELL = ("selector", "source", "target", "drop", "low", "high")


def save(path: Path, content: dict[str, Any]) -> None:
    """Write `{judge, regions, prompts, seeds, unmasked, selectors, matrix}`; `ArtifactError` when it is not whole."""
    _check(path, content)
    save_json(path, content)


def load(path: Path) -> dict[str, Any]:
    """What `save` wrote; `ArtifactError` when it is missing or damaged."""
    content = load_json(path, STAGE)
    _check(path, content)
    return content


def _check(path: Path, content: Any) -> None:
    try:
        whole = all(set(EFFECTS) <= set(row) for row in content["selectors"].values())
        whole &= all(set(CELL) <= set(cell) for cell in content["matrix"])
    except (KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise ArtifactError(f"{path} holds no comparison of selectors; run `dvc repro -f {STAGE}`")
