"""From untrusted bytes to an upright RGB picture, or a typed reason why not."""

from __future__ import annotations

import io
import re
import warnings
from typing import Final

import numpy as np
from PIL import Image, ImageOps

#: The only decoders that ever see the bytes; what a file is called does not matter.
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MAX_PIXELS: Final = 100_000_000

_UNSUPPORTED: Final = (
    (re.compile(rb"^.{4}ftyp(heic|heix|hevc|hevx|heim|heis|mif1|msf1)", re.DOTALL), "HEIC"),
    (re.compile(rb"^.{4}ftyp(avif|avis)", re.DOTALL), "AVIF"),
    (re.compile(rb"^%PDF-"), "PDF"),
    (re.compile(rb"^8BPS"), "PSD"),
    (re.compile(rb"^%!PS"), "PostScript"),
    (re.compile(rb"^\x00\x00\x00\x0cjP  |^\xff\x4f\xff\x51"), "JPEG 2000"),
    (re.compile(rb"^\xff\x0a|^\x00\x00\x00\x0cJXL "), "JPEG XL"),
    (re.compile(rb"^\x00\x00\x01\x00"), "ICO"),
)
_SUPPORTED: Final = re.compile(
    rb"^(\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|BM|II\*\x00|MM\x00\*|RIFF.{4}WEBP)", re.DOTALL
)
_MARKUP: Final = re.compile(rb"<\s*(svg|!doctype|html|head|body|script)\b", re.IGNORECASE)
_BOM: Final = b"\xef\xbb\xbf"


class Undecodable(Exception):
    """Bytes that give no picture.

    `reason` is one of zero_byte, html, unsupported_format, not_an_image, truncated, corrupt, decompression_bomb.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def decode(data: bytes, max_pixels: int = MAX_PIXELS, min_side: int = 0) -> Image.Image:
    """The first frame as an RGB picture, turned as its EXIF says, transparency on white.

    Nothing larger than `max_pixels` is decompressed. With `min_side` a JPEG may come at a half, a quarter or an
    eighth of its size, as long as its longer side keeps so many pixels: several times faster. Raises `Undecodable`.
    """
    sniff(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _check_pixels(image, max_pixels)
                if min_side:
                    factor = max(image.size) / min_side
                    image.draft(None, (round(image.width / factor), round(image.height / factor)))
                image.load()
                return _rgb(_upright(image))
        except Undecodable:
            raise
        except Image.DecompressionBombError as error:
            raise Undecodable("decompression_bomb", str(error)) from None
        except Exception as error:  # decoders raise whatever the bytes provoke: OSError, SyntaxError, IndexError, …
            raise Undecodable(_reason(data, error), f"{type(error).__name__}: {error}"[:200]) from None


def sniff(data: bytes) -> None:
    """Raise `Undecodable` when the first bytes are of no picture format that is read."""
    if not data:
        raise Undecodable("zero_byte", "the file is empty")
    if _SUPPORTED.match(data):
        return
    for pattern, name in _UNSUPPORTED:
        if pattern.match(data):
            raise Undecodable("unsupported_format", f"{name} is not read")
    start = data[:4096].removeprefix(_BOM).lstrip()
    if start.startswith(b"<") and (markup := _MARKUP.search(start)):
        if markup[1].lower() == b"svg" or b"<svg" in start.lower():
            raise Undecodable("unsupported_format", "SVG is not read")
        raise Undecodable("html", "a web page instead of a picture")
    raise Undecodable("not_an_image", "no signature of a known picture format")


def _check_pixels(image: Image.Image, max_pixels: int) -> None:
    pixels = image.width * image.height
    if pixels > max_pixels:
        raise Undecodable("decompression_bomb", f"{image.width} x {image.height} pixels; allowed are {max_pixels}")


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF data say nothing about the pixels
        return image


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        image = _eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey values of 16 bits or of floats on 0..255; Pillow's own conversion would clip them."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
    top = 65535.0 if image.mode != "F" or values.max(initial=0) > 255 else (255.0 if values.max(initial=0) > 1 else 1.0)
    return Image.fromarray(np.clip(np.rint(values / top * 255), 0, 255).astype(np.uint8))


def _reason(data: bytes, error: Exception) -> str:
    text = str(error).lower()
    if "too large" in text or "decompressed data" in text or isinstance(error, MemoryError):
        return "decompression_bomb"
    if "truncat" in text or "not enough" in text or "unexpected end" in text or isinstance(error, EOFError):
        return "truncated"
    if data[:4] == b"RIFF" and int.from_bytes(data[4:8], "little") + 8 > len(data):
        return "truncated"
    return "corrupt"
