"""A perceptual distance that trainings can descend: LPIPS, or the atlas's own picture tower."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from culturebench.params.train_enhancer import Perceptual

#: (b,) distances of pixels (b, 3, size, size) in -1..1; gradients flow from the first.
Distance = Callable[[Tensor, Tensor], Tensor]


def open_distance(folder: Path, chosen: Perceptual, device: torch.device) -> Distance:
    """The distance by the weights in a folder, on pictures averaged down to `chosen.size` pixels.

    LPIPS 0.1 where a `network` is named, else the atlas's dual encoder without learned weights of its depths.
    `LpipsError` for weights that are none.
    """
    compare = _lpips(folder, chosen, device) if chosen.network else _atlas(folder)
    return lambda first, second: compare(_reduced(first, chosen.size), _reduced(second, chosen.size))


def _lpips(folder: Path, chosen: Perceptual, device: torch.device) -> Distance:
    from culturebench.measures.scorers.lpips import Lpips

    assert chosen.network
    return Lpips.from_folder(folder, chosen.network, chosen.size).to(device)


def _atlas(folder: Path) -> Distance:
    from culturebench.atlas.alignment import AtlasAlignment
    from culturebench.measures.scorers.alignment import distance

    encoder = AtlasAlignment(folder)
    return lambda first, second: distance(encoder.maps(first), encoder.maps(second))


def _reduced(pixels: Tensor, size: int) -> Tensor:
    """Averaged by a whole factor: filters for others have no deterministic gradient on GPUs."""
    factor = pixels.shape[-1] // size
    return F.avg_pool2d(pixels.float(), factor) if factor > 1 else pixels.float()
