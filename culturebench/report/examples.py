"""A picture of each region with its four captions, as plain values for the template."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PIL import Image

from culturebench.images.decode import decode
from culturebench.report import words

if TYPE_CHECKING:
    from culturebench.artifacts._caption import CaptionRow
    from culturebench.artifacts.examples import ExampleRow

#: Role of a caption -> its column's head.
CAPTIONS: Mapping[str, str] = {
    "noun": "Noun",
    "cultural": "Noun with its modifier",
    "noun_en": "Noun, English",
    "cultural_en": "Noun with its modifier, English",
}


def values(rows: Iterable[ExampleRow], regions: Sequence[str], pixels: int) -> dict[str, Any]:
    """`{heads, rows: [{region, uri, alt, credit, captions: [{lang, dir, parts: [(text, is modifier)]} or None]}]}`."""
    found = {row["region"]: row for row in rows}
    return {"heads": list(CAPTIONS.values()), "rows": [_row(found[code], pixels) for code in regions if code in found]}


def _row(row: ExampleRow, pixels: int) -> dict[str, Any]:
    told: Mapping[str, Any] = row
    credit = [row["author"], row["licence"], "provisional" if row["provisional"] else ""]
    return {
        "region": row["region"],
        "uri": _uri(row["image"], pixels),
        "alt": f"{words.region(row['region'])}: {(row['cultural_en'] or row['cultural'])['text']}",
        "credit": ", ".join(filter(None, credit)),
        "captions": [_caption(told[role]) for role in CAPTIONS],
    }


def _caption(caption: CaptionRow | None) -> dict[str, Any] | None:
    if caption is None:
        return None
    text, start, end = caption["text"], max(caption["modifier_start"], 0), max(caption["modifier_end"], 0)
    parts = [(text[:start], False), (text[start:end], True), (text[end:], False)]
    return {
        "lang": caption["language"],
        "dir": words.direction(text),
        "parts": [(part, modifier) for part, modifier in parts if part],
    }


def _uri(image: bytes, pixels: int) -> str:
    """A `data:` URI of the picture, at most `pixels` wide and high; no model made it, so it has no such mark."""
    picture = decode(image).convert("RGB")
    picture.thumbnail((pixels, pixels), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=90)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
