"""Pictures as PNG bytes, as artifacts hold them."""

from __future__ import annotations

import io

from PIL import Image


def to_png(image: Image.Image) -> bytes:
    """The picture as PNG, without metadata."""
    buffer = io.BytesIO()
    Image.frombytes(image.mode, image.size, image.tobytes()).save(buffer, "PNG")
    return buffer.getvalue()


def from_png(content: bytes) -> Image.Image:
    """The RGB picture of an artifact's bytes."""
    return Image.open(io.BytesIO(content)).convert("RGB")
