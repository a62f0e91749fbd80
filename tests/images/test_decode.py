"""What decoding does with every kind of file that a folder of pictures holds."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from culturebench.images import formats
from culturebench.images.decode import Undecodable, decode
from icc import display_p3

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


def test_a_white_picture_on_nothing_is_laid_on_a_colour_on_which_it_is_seen():
    logo = Image.new("RGBA", (40, 40), (255, 255, 255, 0))
    logo.paste((255, 255, 255, 255), (10, 10, 30, 30))
    grey = logo.convert("LA")
    for kind, image in (("PNG", logo), ("PNG", grey), ("PNG", logo.quantize(4)), ("WEBP", logo), ("TIFF", logo)):
        found = decode(encoded(image, kind, **({"lossless": True} if kind == "WEBP" else {})))
        assert found.getpixel((20, 20)) == (255, 255, 255) and max(found.getpixel((2, 2))) < 128
    logo.paste((20, 20, 20, 255), (12, 12, 28, 28))
    assert decode(encoded(logo, "PNG")).getpixel((2, 2)) == (255, 255, 255)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_colours_are_those_of_the_profile_that_a_file_has(kind: str):
    lossless = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    plain = Image.new("RGB", (600, 2000), (200, 80, 60))
    found = np.asarray(decode(encoded(plain, kind, icc_profile=display_p3(), **lossless))).astype(int)
    assert np.abs(found - (216, 69, 50)).max() <= 1
    for nothing in (b"damaged", display_p3("sRGB IEC61966-2.1"), None):
        found = np.asarray(decode(encoded(plain, kind, icc_profile=nothing, **lossless))).astype(int)
        assert np.abs(found - (200, 80, 60)).max() <= 1


def test_a_decoded_picture_says_nothing_of_its_file():
    said = {"icc_profile": display_p3(), "comment": b"made at home"}
    found = decode(encoded(RED_OVER_BLUE, "JPEG", **said))
    assert not found.info and b"made at home" not in encoded(found, "JPEG") and b"Display" not in encoded(found, "PNG")


def test_a_profile_holds_beside_transparency_and_in_a_palette():
    clear = Image.new("RGBA", (20, 20), (200, 80, 60, 255))
    clear.putpixel((0, 0), (0, 0, 0, 0))
    for image in (clear, clear.convert("RGB").quantize(4), clear.quantize(4)):
        pixel = decode(encoded(image, "PNG", icc_profile=display_p3())).getpixel((10, 10))
        assert np.abs(np.subtract(pixel, (216, 69, 50))).max() <= 2


@pytest.mark.parametrize("packed", [False, True])
def test_a_png_with_much_to_say_is_no_bomb(packed: bool):
    said = PngImagePlugin.PngInfo()
    for number in range(3 if packed else 70):
        said.add_text(f"prompt {number}", f"{number} " * 1_000_000, zip=packed)
    data = encoded(RED_OVER_BLUE, "PNG", pnginfo=said)
    assert decode(data).tobytes() == RED_OVER_BLUE.tobytes()
    assert reason(data[: len(data) // 2]) in ("truncated", "corrupt")


def test_sixteen_bits_keep_their_range():
    ramp = (np.linspace(0, 65535, 256)[None].repeat(8, 0)).astype(np.uint16)
    values = np.asarray(decode(encoded(Image.fromarray(ramp), "PNG")))[0, :, 0].astype(int)
    assert values[0] == 0 and values[-1] == 255 and np.abs(values - np.arange(256)).max() <= 1


def test_sixteen_bits_of_which_one_value_is_clear_are_read():
    ramp = (np.linspace(0, 65535, 256)[None].repeat(8, 0)).astype(np.uint16)
    found = decode(encoded(Image.fromarray(ramp), "PNG", transparency=0))
    assert found.getpixel((128, 4)) == (128, 128, 128) and found.getpixel((255, 4)) == (255, 255, 255)


def twelve_bits(values: list[int]) -> bytes:
    """A TIFF of one row of grey values of 12 bits, two of which share three bytes."""
    packed = b"".join(
        ((first << 12) | second).to_bytes(3, "big") for first, second in zip(values[::2], values[1::2], strict=True)
    )
    tags = {256: len(values), 257: 1, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: len(packed)}
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<I", 8 + len(packed)) + packed + struct.pack("<H", len(tags)) + table + bytes(4)


def test_twelve_bits_keep_their_range():
    values = np.asarray(decode(twelve_bits(list(range(0, 4096, 16)))))[0, :, 0].astype(int)
    assert np.abs(values - np.arange(256)).max() <= 1


def test_a_tiff_of_64_bit_addresses_is_read():
    data = encoded(RED_OVER_BLUE, "TIFF", big_tiff=True)
    assert data[:4] == b"II+\0" and decode(data).tobytes() == RED_OVER_BLUE.tobytes()


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
        (b"%PDF-1.7", "unsupported_format"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "unsupported_format"),
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


def test_what_a_decoder_says_holds_no_address_of_memory():
    damaged = [
        data[:20] + bytes(60) for data in (encoded(RED_OVER_BLUE, kind) for kind in ("PNG", "TIFF", "GIF", "BMP"))
    ]
    said: list[str] = []
    for data in [*damaged, b"\xff\xd8\xff" + bytes(50), b"BM" + bytes(50)]:
        with pytest.raises(Undecodable) as caught:
            decode(data)
        said.append(str(caught.value))
    assert any("cannot identify image file" in text for text in said)
    assert not any("0x" in text or "object at" in text for text in said)


HEIC, JXL = b"\x00\x00\x00\x18ftypheic" + bytes(12), b"\x00\x00\x00\x0cJXL \r\n\x87\n"


@pytest.mark.parametrize(("data", "package", "extra"), [(HEIC, "pillow_heif", "heic"), (JXL, "pillow_jxl", "jxl")])
def test_a_format_without_its_extra_names_the_command_that_brings_it(
    data: bytes, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(formats, "_registered", formats._registered.__wrapped__)
    with pytest.raises(Undecodable, match=rf"pip install 'culturebench\[{extra}\]'") as caught:
        decode(data)
    assert caught.value.reason == "unsupported_format"


@pytest.mark.parametrize(("kind", "data"), [("AVIF", b""), ("HEIF", HEIC), ("JXL", JXL)])
def test_a_format_of_an_extra_is_read_and_turned(kind: str, data: bytes):
    with suppress(Undecodable):
        decode(data)  # registers the extra
    exif = Image.Exif()
    exif[0x0112] = 6
    plain = encoded(RED_OVER_BLUE, kind, quality=95)
    top, bottom = (decode(plain).getpixel((30, row)) for row in (10, 70))
    assert top[0] > 150 > top[2] and bottom[2] > 150 > bottom[0]
    assert decode(encoded(RED_OVER_BLUE, kind, quality=95, exif=exif.tobytes())).size == (80, 60)
    assert reason(plain[: len(plain) // 2]) in ("truncated", "corrupt")
    assert reason(plain, max_pixels=1000) == "decompression_bomb"


def test_nothing_in_a_file_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(proof) (w) file closefile\nshowpage\n"
    for data in (postscript, b"#!/bin/sh\ntouch proof\n", b"<svg><script>touch proof</script></svg>"):
        reason(data)
    assert not list(tmp_path.iterdir())
