"""What decoding does with every kind of file that a folder of pictures holds."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from culturebench.images.decode import Undecodable, decode

RED_OVER_BLUE = Image.fromarray(np.repeat(np.array([[[200, 20, 20]], [[20, 20, 200]]], np.uint8), 40, 0).repeat(60, 1))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def reason(data: bytes, **limits: int) -> str:
    with pytest.raises(Undecodable) as caught:
        decode(data, **limits)
    return caught.value.reason


def png_of(width: int, height: int) -> bytes:
    """A valid PNG of black pixels whose data are only as long as zlib makes them."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_allowed_format_becomes_rgb_of_the_same_size(kind: str):
    image = decode(encoded(RED_OVER_BLUE, kind))
    assert image.mode == "RGB" and image.size == (60, 80)
    top, bottom = np.asarray(image)[10, 30], np.asarray(image)[70, 30]
    assert top[0] > 150 > top[2] and bottom[2] > 150 > bottom[0]


def test_transparency_is_laid_on_white():
    clear = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    assert np.asarray(decode(encoded(clear, "PNG"))).min() == 255
    half = RED_OVER_BLUE.convert("RGBA")
    half.paste((0, 0, 0, 0), (0, 0, 60, 40))
    for kind, image in (("PNG", half.quantize(8)), ("GIF", half), ("WEBP", half), ("PNG", half.convert("LA"))):
        assert decode(encoded(image, kind)).getpixel((5, 5)) == (255, 255, 255)


def test_sixteen_bits_keep_their_range():
    ramp = (np.linspace(0, 65535, 256)[None].repeat(8, 0)).astype(np.uint16)
    values = np.asarray(decode(encoded(Image.fromarray(ramp), "PNG")))[0, :, 0].astype(int)
    assert values[0] == 0 and values[-1] == 255 and np.abs(values - np.arange(256)).max() <= 1


def test_cmyk_becomes_rgb():
    top = decode(encoded(RED_OVER_BLUE.convert("CMYK"), "JPEG", quality=95)).getpixel((30, 10))
    assert top[0] > 150 > top[2]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_says_which_side_is_up(orientation: int):
    from PIL import ImageOps

    stored = encoded(RED_OVER_BLUE, "PNG")
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    RED_OVER_BLUE.save(buffer, "JPEG", exif=exif, quality=95)
    with Image.open(io.BytesIO(buffer.getvalue())) as image:
        expected = ImageOps.exif_transpose(image).convert("RGB")
    assert decode(buffer.getvalue()).tobytes() == expected.tobytes()
    assert decode(stored).size == (60, 80)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_counts(kind: str):
    frames = [Image.new("RGB", (20, 20), colour) for colour in ((255, 0, 0), (0, 255, 0))]
    image = decode(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    red, green, _ = image.getpixel((10, 10))
    assert red > 200 > green


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "zero_byte"),
        (b"<!DOCTYPE html><html><body>not found</body></html>", "html"),
        (b"\xef\xbb\xbf\n <HTML>", "html"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "unsupported_format"),
        (b"<svg onload='alert(1)'/>", "unsupported_format"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "unsupported_format"),
        (b"%PDF-1.7", "unsupported_format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "unsupported_format"),
        (b"#!/bin/sh\necho executed > proof\n", "not_an_image"),
        (bytes(range(256)) * 8, "not_an_image"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, expected: str):
    assert reason(data) == expected


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_file_that_ends_too_early_is_dropped(kind: str, share: float):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    data = encoded(noise, kind)
    assert reason(data[: int(len(data) * share)]) in ("truncated", "corrupt")


def test_a_decompression_bomb_is_not_decompressed():
    assert reason(png_of(60_000, 60_000)) == "decompression_bomb"
    assert reason(png_of(2_000, 2_000), max_pixels=1_000_000) == "decompression_bomb"


def test_damaged_bytes_never_raise_anything_else():
    dice = np.random.default_rng(1)
    whole = [encoded(RED_OVER_BLUE, kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")]
    for data in whole * 25:
        broken = bytearray(data)
        for place in dice.integers(0, len(broken), 6):
            broken[place] = int(dice.integers(256))
        with suppress(Undecodable):
            assert decode(bytes(broken), max_pixels=10_000_000).mode == "RGB"


def test_nothing_in_a_file_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(proof) (w) file closefile\nshowpage\n"
    for data in (postscript, b"#!/bin/sh\ntouch proof\n", b"<svg><script>touch proof</script></svg>"):
        reason(data)
    assert not list(tmp_path.iterdir())
