"""A text encoder and the layer that its probe marked: what training an SAE and picking neurons both start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from culturebench.artifacts import layer_probe
from culturebench.pins import pin_path, verified_folder
from culturebench.probing.features import FeatureBatch, feature_batches
from culturebench.probing.few_layers import few_layers
from culturebench.text_to_image.base import TextEncoder
from culturebench.text_to_image.loading import load_encoder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from culturebench.params.encoders import Encoder


@dataclass(frozen=True)
class Probed:
    """An encoder with its marked layer, a 0-based index."""

    model: TextEncoder
    layer: int
    few_layers: Sequence[int]  # with it, in their order

    @property
    def device(self) -> torch.device:
        """Where the encoder is."""
        return next(self.model.parameters()).device

    def features(self, texts: Sequence[str], batch_size: int, layer: int | None = None) -> Iterator[FeatureBatch]:
        """The attention outputs at the marked layer, or at another one, batch by batch."""
        return feature_batches(self.model, self.layer if layer is None else layer, texts, batch_size)


def open_probed(source: Encoder, pins: Path, layer: Path) -> Probed:
    """The encoder of an entry of `encoders`, from its pin in the folder `pins`, and the layer in the file `layer`."""
    model = load_encoder(source, verified_folder(pin_path(pins, source.pin)))
    found = layer_probe.load_layer(layer)
    return Probed(model, int(found["layer"]), few_layers(found))
