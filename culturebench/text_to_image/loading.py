"""Adapters by name: a text encoder or a whole text-to-image system from folders of weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from culturebench.errors import CultureBenchError
from culturebench.text_to_image.base import TextEncoder, TextToImage

ADAPTERS = ("atlas",)


class AdapterError(CultureBenchError):
    """An adapter that does not exist, or that takes other towers."""


def load_encoder(adapter: str, folder: Path) -> TextEncoder:
    """The text encoder in `folder`, frozen and in evaluation mode; `AdapterError` for an unknown adapter."""
    _check(adapter, "encoders")
    from culturebench.text_to_image.atlas import AtlasTextEncoder  # diffusers takes seconds to import

    return AtlasTextEncoder.from_folder(folder)


def load_model(adapter: str, encoder_folders: Sequence[Path], backbone: Path, steps: int) -> TextToImage:
    """The system of the encoders (in the order the backbone reads them) and the backbone, sampling in `steps` steps.

    `AdapterError` for an unknown adapter or another number of towers than it takes.
    """
    _check(adapter, "models")
    if len(encoder_folders) != 1:
        raise AdapterError(f"the adapter {adapter} takes 1 tower, models.*.towers names {len(encoder_folders)}")
    # diffusers takes seconds to import, and a stage whose pictures are all kept never needs it
    from culturebench.text_to_image.atlas import AtlasTextEncoder, AtlasTextToImage

    return AtlasTextToImage.from_folders(AtlasTextEncoder.from_folder(encoder_folders[0]), backbone, steps)


def _check(adapter: str, section: str) -> None:
    if adapter not in ADAPTERS:
        raise AdapterError(f"{section}.*.adapter is {adapter!r}; known adapters: {', '.join(ADAPTERS)}")
