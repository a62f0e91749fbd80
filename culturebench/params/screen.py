"""Which candidates are fit to be shown to people."""

from typing import ClassVar

from pydantic import Field

from culturebench.params._base import Section


class Screen(Section):
    """Rules are tried in the order of the fields; the first that a picture breaks is its reason."""

    section: ClassVar[str] = "screen"
    max_pixels: int = Field(ge=1, description="pictures with more pixels are not decompressed")
    min_side: int = Field(ge=1, description="shorter side, in pixels")
    max_aspect: float = Field(ge=1, description="longer side divided by the shorter")
    min_sharpness: float = Field(ge=0, description="variance of the Laplacian of the grey picture (0..1) at 256 pixels")
    min_contrast: float = Field(ge=0, le=1, description="largest standard deviation of a channel (0..1)")
    licences: list[str] = Field(min_length=1, description="allowed SPDX-like ids; add `unknown` to trust the source")
