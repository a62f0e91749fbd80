"""The encoder of pictures that params name for comparing pictures with each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from PIL import Image
from torch import Tensor

from culturebench.measures.scoring import ADVICE, BATCH
from culturebench.png import from_png
from culturebench.text_to_image.adapters.batches import Batches

if TYPE_CHECKING:
    from culturebench.measures.task import Task

Embed = Callable[[list[Image.Image]], Tensor]  # pictures -> (b, d) unit vectors
NONE = "measure in params.yaml names neither `alignment` nor `cue_concentration`, which encode pictures"


def embedding(task: Task) -> tuple[str, Embed] | None:
    """What the encoder is called, and the encoder: the atlas's feature maps, else a CLIP; None where there is none."""
    if task.numbers.alignment:
        from culturebench.atlas.alignment import AtlasAlignment
        from culturebench.measures.scorers.alignment import unit_vectors

        encoder = AtlasAlignment(task.folder(task.numbers.alignment))
        return "the atlas's encoder", lambda images: unit_vectors(encoder.features(images))
    if task.numbers.cue_concentration:
        from culturebench.measures.clip import opened

        return "a CLIP", opened(task, task.numbers.cue_concentration.pin).embed_images
    return None


def embedded(images: Sequence[bytes], embed: Embed) -> Tensor:
    """(b, d) of PNGs, fewer at once where memory is short."""
    return torch.stack(Batches(BATCH, ADVICE).map(lambda part: list(embed([from_png(one) for one in part])), images))
