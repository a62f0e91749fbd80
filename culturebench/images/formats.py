"""Which picture formats are read, told by their first bytes, and what brings those that are not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

from culturebench.extras import command

#: The decoders that Pillow brings and that may see a stranger's bytes; what a file is called does not matter.
_OWN: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
_SIGNATURE: Final = re.compile(
    rb"^(\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|BM|II[*+]\x00|MM\x00[*+]|RIFF.{4}WEBP|.{4}ftyp(avif|avis))", re.DOTALL
)


@dataclass(frozen=True)
class _Optional:
    """A format whose decoder is an extra of ours; `format` is Pillow's name for it."""

    name: str
    format: str
    extra: str
    signature: re.Pattern[bytes]
    register: Callable[[], None]


def _register_heic() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False)


def _register_jxl() -> None:
    import pillow_jxl  # pyright: ignore[reportUnusedImport]  # it registers itself  # noqa: F401


_OPTIONAL: Final = (
    _Optional(
        "HEIC", "HEIF", "heic",
        re.compile(rb"^.{4}ftyp(heic|heix|hevc|hevx|heim|heis|mif1|msf1)", re.DOTALL),
        _register_heic,
    ),
    _Optional(
        "JPEG XL", "JXL", "jxl",
        re.compile(rb"^\xff\x0a|^\x00\x00\x00\x0cJXL "),
        _register_jxl,
    ),
)  # fmt: skip
_UNREAD: Final = (
    (re.compile(rb"^%PDF-"), "PDF"),
    (re.compile(rb"^8BPS"), "PSD"),
    (re.compile(rb"^%!PS"), "PostScript"),
    # Of its decoder 20 bytes a pixel and ten times the time of JPEG were measured.
    (re.compile(rb"^\x00\x00\x00\x0cjP  |^\xff\x4f\xff\x51"), "JPEG 2000"),
    (re.compile(rb"^\x00\x00\x01\x00"), "ICO"),
)


def unreadable(data: bytes) -> str | None:
    """Why a file of a known format is not read, in a sentence; "" when it is, None when the format is not known."""
    if _SIGNATURE.match(data):
        return ""
    for one in _OPTIONAL:
        if one.signature.match(data):
            return "" if _registered(one) else f"{one.name} is not read; run `{command(one.extra)}`"
    return next(
        (f"{name} is not read; save the picture as JPEG or PNG" for pattern, name in _UNREAD if pattern.match(data)),
        None,
    )


def decoders() -> tuple[str, ...]:
    """Pillow's names of the formats that are read here."""
    return (*_OWN, *(one.format for one in _OPTIONAL if _registered(one)))


@cache
def _registered(one: _Optional) -> bool:
    try:
        one.register()
    except ImportError:
        return False
    return True
