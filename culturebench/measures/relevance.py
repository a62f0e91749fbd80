"""How well pictures fit what was looked for, by a CLIP or by the atlas's dual encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from PIL import Image

from culturebench.errors import CultureBenchError
from culturebench.text_to_image.encoders.files import read_json


class Encoder(Protocol):
    """Pictures and texts in one space."""

    def best(self, images: Sequence[Image.Image], texts: Sequence[Sequence[str]]) -> list[float]:
        """The largest cosine of each picture with any of its own texts."""
        ...


def is_clip(folder: Path) -> bool:
    """Whether the folder holds a model of transformers; the atlas's dual encoder knows the atlas's pictures alone."""
    return "model_type" in read_json(folder / "config.json")


def open_encoder(folder: Path, text: Path | None) -> Encoder:
    """The encoder of a folder, of a CLIP with the text tower in `text` instead of its own if any.

    Runs in float32 on the first accelerator, else on the CPU. `CultureBenchError` for what is no CLIP, or a text tower
    that does not fit.
    """
    if not is_clip(folder):
        from culturebench.atlas.alignment import AtlasAlignment

        if text:
            raise CultureBenchError("relevance.text: the atlas's dual encoder reads with its own tower; name its pin")
        return AtlasAlignment(folder)
    import torch

    from culturebench.measures.clip import Clip  # takes seconds to import

    return Clip(folder, text, torch.device("cuda" if torch.cuda.is_available() else "cpu"), torch.float32)
