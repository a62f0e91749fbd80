"""The pictures that a release's card shows, one of each region with its four captions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PIL import Image

from culturebench.images.decode import decode
from culturebench.release.contents import Part
from culturebench.splitting.examples import example_of

FOLDER = "examples"
SIDE = 256  # pixels at most, width and height
ROLES = ("noun", "cultural", "noun_en", "cultural_en")
_QUALITY = 90


def add_example(found: dict[str, dict[str, Any]], folder: Path, part: Part) -> None:
    """Put a region's example into `found`, and its picture into the release: of train, else of another side."""
    example = example_of(part.rows) if part.split == "train" or part.region not in found else None
    if example is None:
        return
    path = f"{FOLDER}/{part.region}.jpg"
    (folder / FOLDER).mkdir(exist_ok=True)
    picture = decode(example["image"]).convert("RGB")
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    picture.save(folder / path, "JPEG", quality=_QUALITY)
    told: Any = example
    captions = [told[role]["text"] if told[role] else "" for role in ROLES]
    credit = " · ".join(filter(None, (example["author"], example["licence"])))
    found[part.region] = {"path": path, "captions": captions, "credit": credit}


def in_order(found: dict[str, dict[str, Any]], regions: Iterable[str]) -> list[tuple[str, dict[str, Any]]]:
    """The examples that there are, in the order of the regions."""
    return [(code, found[code]) for code in regions if code in found]
