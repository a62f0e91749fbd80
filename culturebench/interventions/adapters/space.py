"""The space in which pictures and cultural concepts meet: a CLIP, or the atlas's own dual encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from culturebench.text_to_image.encoders.files import read_json

#: Pixels a side that the atlas's dual encoder takes.
SIDE = 64


class Space(Protocol):
    """Texts and pictures as unit vectors; gradients flow from pictures."""

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """(n, d) of the texts."""
        ...

    def embed_pixels(self, pixels: Tensor) -> Tensor:
        """(b, d) of pixels (b, 3, size, size) in -1..1."""
        ...


class AtlasSpace:
    """The atlas's dual encoder; it is no CLIP, and what it gives is no CSS."""

    def __init__(self, folder: Path) -> None:
        from culturebench.atlas.alignment import AtlasAlignment, token_ids

        self._encoder, self._token_ids = AtlasAlignment(folder), token_ids

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """(n, d) of the texts."""
        return self._encoder.model.encode_texts(self._token_ids(self._encoder.tokenizer, texts))

    def embed_pixels(self, pixels: Tensor) -> Tensor:
        """(b, d) of pixels (b, 3, size, size), whose size is brought to the encoder's own."""
        given = pixels.float()
        if given.shape[-1] != SIDE:
            given = F.interpolate(given, size=(SIDE, SIDE), mode="bilinear", antialias=True)
        return self._encoder.model.encode_pictures(given)


class ClipSpace:
    """A CLIP of transformers in float32; pictures are resized by a bicubic filter, as its own preparation does."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        from culturebench.measures.clip import Clip  # takes seconds to import

        self._clip = Clip(folder, None, device, torch.float32)
        self._clip.model.requires_grad_(False)
        prepared: Any = self._clip.processor
        self._size = int(self._clip.model.config.vision_config.image_size)
        self._mean, self._deviation = (
            torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (prepared.image_mean, prepared.image_std)
        )

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """(n, d) of the texts."""
        return self._clip.embed_texts(texts).clone()  # no inference tensor: gradients are taken against it

    def embed_pixels(self, pixels: Tensor) -> Tensor:
        """(b, d) of pixels (b, 3, size, size)."""
        shown = (pixels.float() + 1) / 2
        sized = F.interpolate(shown, size=(self._size, self._size), mode="bicubic", antialias=True)
        given = (sized - self._mean) / self._deviation
        return F.normalize(self._clip.model.get_image_features(pixel_values=given).pooler_output.float(), dim=1)


def open_space(folder: Path, device: torch.device) -> Space:
    """By what `config.json` in the folder says; a CLIP names its `model_type`."""
    if "model_type" in read_json(folder / "config.json"):
        return ClipSpace(folder, device)
    return AtlasSpace(folder)
