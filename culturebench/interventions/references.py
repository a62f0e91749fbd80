"""Reference pictures as a training needs them: their latents, each encoded once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from culturebench.png import from_png
from culturebench.text_to_image.denoising import Denoising

#: Bytes of latents kept in memory; a picture of 1,024 pixels has 0.25 (SDXL) to 1 MiB (FLUX).
ROOM = 2 << 30


class References:
    """The latents of pictures (bytes) by their places, encoded alone, so that a killed training goes on to equal bytes.

    Of a system that takes all rows in one pass, such as the atlas, they are encoded together each time.
    """

    def __init__(self, task: Denoising, images: Sequence[bytes], room: int = ROOM) -> None:
        self._task, self._images, self._room = task, images, room
        self._kept: dict[int, Tensor] = {}  # on the CPU

    def pixels(self, rows: Sequence[int]) -> Tensor:
        """Pixels (b, 3, size, size) in -1..1."""
        return self._task.pixels([from_png(self._images[row]) for row in rows])

    def latents(self, rows: Sequence[int]) -> Tensor:
        """Latents (b, ...), as the denoiser takes them."""
        if self._task.rows_at_once is None:
            return self._task.latents(self.pixels(rows))
        return torch.cat([self._latent(row) for row in rows])

    def _latent(self, row: int) -> Tensor:
        kept = self._kept.get(row)
        if kept is not None:
            return kept.to(self._task.device)
        made = self._task.latents(self.pixels([row]))
        if self._room >= made.nbytes:
            self._room -= made.nbytes
            self._kept[row] = made.cpu()
        return made
