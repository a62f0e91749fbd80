"""A trained enhancer as an intervention."""

from __future__ import annotations

from pathlib import Path

from culturebench.interventions import enhancer
from culturebench.pins import sha256_of
from culturebench.text_to_image.base import EncoderEdit


def enhanced(folder: Path) -> EncoderEdit:
    """The intervention of the enhancer in `folder`, known by its weights."""
    trained, layer = enhancer.load(folder)
    description = {"kind": "enhanced", "weights": sha256_of(folder / enhancer.WEIGHTS_FILE)}
    return EncoderEdit(layer, trained.as_edit(), description)
