"""The mark of synthetic pictures, and the words that go along with what leaves the project."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from culturebench.ethics import SENTENCES, SYNTHETIC, marked
from culturebench.png import to_png

SOURCE_TYPE = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"


def source_type(picture: bytes) -> str | None:
    """What a picture's XMP says of where it comes from, read by Pillow and an XML parser."""
    with Image.open(io.BytesIO(picture)) as image:
        image.load()
        xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if xmp is None:
        return None
    tree = ElementTree.fromstring(xmp if isinstance(xmp, str) else xmp.decode())
    return next(node.get(SOURCE_TYPE) for node in tree.iter() if node.get(SOURCE_TYPE))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_a_marked_picture_says_that_a_model_made_it_and_keeps_its_pixels(mode: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (9, 7, len(mode)), dtype=np.uint8)
    picture = Image.fromarray(noise.squeeze(), mode)
    plain = to_png(picture)
    assert source_type(plain) is None
    assert source_type(marked(plain)) == SYNTHETIC
    with Image.open(io.BytesIO(marked(plain))) as found:
        found.verify()
    with Image.open(io.BytesIO(marked(plain))) as found:
        assert (found.mode, np.asarray(found).tobytes()) == (mode, noise.tobytes())


def test_no_sentence_could_be_markup() -> None:
    assert SENTENCES and not set("".join(SENTENCES)) & set("<>&*_`|[]#")
