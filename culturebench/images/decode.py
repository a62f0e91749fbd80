"""From untrusted bytes to an upright RGB picture, or a typed reason why not."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from PIL import ExifTags, Image

from culturebench.errors import said
from culturebench.images.colours import to_rgb
from culturebench.images.formats import decoders, unreadable
from culturebench.images.room import Room

MAX_PIXELS: Final = 100_000_000
#: Bytes of a pixel of a decoded picture; Pillow fills RGB up to 4.
RGB_BYTES: Final = 4
#: Bytes that pictures may take while they are decoded and looked at, by all threads of a process together.
ROOM: Final = Room(1_000_000_000)

#: Bytes for each pixel with decoders that hold several frames, the result included; measured, see docs/data.md.
_FRAMES: Final = {"WEBP": 17, "AVIF": 10, "HEIF": 9, "JXL": 9}
_PNG_TEXTS: Final = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")

_TURN = Image.Transpose
_TURNS: Final = {
    2: _TURN.FLIP_LEFT_RIGHT, 3: _TURN.ROTATE_180, 4: _TURN.FLIP_TOP_BOTTOM, 5: _TURN.TRANSPOSE,
    6: _TURN.ROTATE_270, 7: _TURN.TRANSVERSE, 8: _TURN.ROTATE_90,
}  # fmt: skip
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
    """The first frame in sRGB, turned as its EXIF says, transparency on white or, where it is white itself, on grey.

    Nothing is decompressed that is larger than `max_pixels` or takes more than `ROOM`. With `min_side` a JPEG may come
    at a half, a quarter or an eighth of its size, as long as its longer side keeps so many pixels: several times
    faster. Raises `Undecodable`.
    """
    with ExitStack() as held:
        return _decoded(data, max_pixels, min_side, held)


@contextmanager
def decoded(data: bytes, max_pixels: int = MAX_PIXELS, min_side: int = 0) -> Generator[Image.Image]:
    """`decode` for many threads: the picture has its part of `ROOM`, and is there, until the `with` block ends.

    Not to be nested.
    """
    with ExitStack() as held:
        image = _decoded(data, max_pixels, min_side, held)
        try:
            yield image
        finally:
            image.close()


def _decoded(data: bytes, max_pixels: int, min_side: int, held: ExitStack) -> Image.Image:
    sniff(data)
    with _reasons(data):
        try:
            image, orientation = _flat(data, max_pixels, min_side, held)
        except ValueError as error:
            if "MAX_TEXT" not in str(error):
                raise
            held.close()
            image, orientation = _flat(without_texts(data), max_pixels, min_side, held)
        image = _upright(image, orientation)
    image.info = {}  # what the file said of itself would be saved with the picture
    return image


def _flat(data: bytes, max_pixels: int, min_side: int, held: ExitStack) -> tuple[Image.Image, Any]:
    """The picture as it lies in the file, and its orientation."""
    image = Image.open(io.BytesIO(data), formats=decoders())
    _check_pixels(image, max_pixels)
    whole = image.width * image.height
    if min_side:
        factor = max(image.size) / min_side
        image.draft(None, (round(image.width / factor), round(image.height / factor)))
    needed = bytes_needed(image, whole)
    if needed > ROOM.size:
        detail = f"{image.width} x {image.height} pixels of {image.format} take {needed // 10**6} MB to decode"
        raise Undecodable("decompression_bomb", f"{detail}; allowed are {ROOM.size // 10**6}")
    held.enter_context(ROOM.taken(needed))
    image.load()
    return to_rgb(image), _orientation(image)


@contextmanager
def _reasons(data: bytes) -> Generator[None]:
    """Whatever a decoder raises becomes `Undecodable`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except Undecodable:
            raise
        except Image.DecompressionBombError as error:
            raise Undecodable("decompression_bomb", str(error)) from None
        except Exception as error:  # decoders raise whatever the bytes provoke: OSError, SyntaxError, IndexError, …
            raise Undecodable(_reason(data, error), f"{type(error).__name__}: {said(error)}"[:200]) from None


def bytes_needed(image: Image.Image, whole: int) -> int:
    """Bytes of memory at most from an opened picture to its RGB, as measured; `whole` are its pixels before a draft."""
    pixels = image.width * image.height
    if image.format in _FRAMES:
        return _FRAMES[image.format] * whole
    if image.format == "JPEG" and image.info.get("progressive"):
        # All coefficients are held until the last scan; the picture is converted after that.
        return max(2 * len(image.getbands()) * whole + RGB_BYTES * pixels, 2 * RGB_BYTES * pixels)
    return 2 * RGB_BYTES * pixels


def without_texts(png: bytes) -> bytes:
    """A PNG without its texts and its profile, which say nothing of the picture and may unpack to any size."""
    kept, place = [png[:8]], 8
    while place + 8 <= len(png):
        end = place + 12 + int.from_bytes(png[place : place + 4], "big")
        if png[place + 4 : place + 8] not in _PNG_TEXTS:
            kept.append(png[place:end])
        place = end
    return b"".join(kept)


def sniff(data: bytes) -> None:
    """Raise `Undecodable` when the first bytes are of no picture format that is read."""
    if not data:
        raise Undecodable("zero_byte", "the file is empty")
    why = unreadable(data)
    if why == "":
        return
    if why:
        raise Undecodable("unsupported_format", why)
    start = data[:4096].removeprefix(_BOM).lstrip()
    if start.startswith(b"<") and (markup := _MARKUP.search(start)):
        if markup[1].lower() == b"svg" or b"<svg" in start.lower():
            raise Undecodable(
                "unsupported_format", "SVG is not read, as it may name files of this machine; save the picture as PNG"
            )
        raise Undecodable("html", "a web page instead of a picture")
    raise Undecodable("not_an_image", "no signature of a known picture format")


def _check_pixels(image: Image.Image, max_pixels: int) -> None:
    pixels = image.width * image.height
    if pixels > max_pixels:
        raise Undecodable("decompression_bomb", f"{image.width} x {image.height} pixels; allowed are {max_pixels}")


def _upright(image: Image.Image, orientation: Any) -> Image.Image:
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def _orientation(image: Image.Image) -> Any:
    with contextlib.suppress(Exception):  # damaged EXIF data say nothing about the pixels
        return image.getexif().get(ExifTags.Base.Orientation)
    return None


def _reason(data: bytes, error: Exception) -> str:
    text = str(error).lower()
    if "too large" in text or "decompressed data" in text or isinstance(error, MemoryError):
        return "decompression_bomb"
    if "truncat" in text or "not enough" in text or "unexpected end" in text or isinstance(error, EOFError):
        return "truncated"
    if data[:4] == b"RIFF" and int.from_bytes(data[4:8], "little") + 8 > len(data):
        return "truncated"
    return "corrupt"
