"""How many changed copies of real pictures are found, by what was done to them, beside pHash and imagededup.

`PYTHONPATH=.:tests/support python -m benchmarks.copies PATH...` takes the pictures below folders, such as those that
scikit-image, scikit-learn and Debian's wallpaper packages hold, or in files, such as gcompris-qt-data's.
Half of them are changed in every way of `edits.py`; the other half, cut into two that share no pixel, and drawn hard
negatives have no copies. Printed are the share of copies that pair with their original and the share of right pairs
among all that an original or a negative is in. `--seed` draws the halves, the edits and the negatives anew. imagededup
is asked where it is installed.
"""

from __future__ import annotations

import argparse
import io
import re
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from culturebench.images.hashing import Fingerprint, fingerprint
from culturebench.images.matching import HashMatcher
from culturebench.params._base import load_document, load_section
from culturebench.params.deduplicate import Deduplicate
from edits import EDITS, gradients
from labelled_duplicates import labelled

Pairs = set[tuple[int, int]]
SIDE, DRAWN, PHASH_DISTANCE = 640, 80, 10
SUFFIXES = (".jpg", ".jpeg", ".png")
#: Other sizes or colours of a picture that is there already, pictures of nothing, and some whose halves are alike.
LEFT_OUT = (
    *("screenshot", "_dark", "1080x", "720x", "1622x", "Elephants_", "Mate-Dark", "Mate-Radio", "Mate-Warm", "_right"),
    *("Arc-Colors", "Gulp", "Silk", "Spring.", "Waves.", "Flow.png", "Stripes", "the-mouse", "ColdRipple"),
)
SMALLEST_FILE = 20_000  # bytes; smaller ones are icons


def pictures(folders: Sequence[Path]) -> Iterator[Image.Image]:
    """All of them, at most `SIDE` pixels wide and high."""
    for folder in folders:
        for image in found_below(folder):
            with image:
                image.draft("RGB", (SIDE, SIDE))
                small = image.convert("RGB")
            small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
            yield small


def packed(path: Path) -> Iterator[Image.Image]:
    """The WebP pictures in a file that holds many, such as a Qt resource."""
    data = path.read_bytes()
    for start in re.finditer(rb"RIFF(....)WEBP", data, re.DOTALL):
        size = int.from_bytes(start[1], "little") + 8
        if size >= SMALLEST_FILE:
            yield Image.open(io.BytesIO(data[start.start() : start.start() + size]))


def found_below(folder: Path) -> Iterator[Image.Image]:
    """Every picture below the folder, or in the file."""
    if folder.is_file():
        yield from packed(folder)
    for path in sorted(folder.rglob("*")):
        usable = path.suffix in SUFFIXES and path.is_file() and not path.is_symlink()
        if usable and path.stat().st_size >= SMALLEST_FILE and not any(part in str(path) for part in LEFT_OUT):
            yield Image.open(path)


def halves(image: Image.Image) -> list[Image.Image]:
    """Left and right, or top and bottom, whichever are less narrow."""
    width, height = image.size
    if width >= height:
        return [image.crop((0, 0, width // 2, height)), image.crop((width - width // 2, 0, width, height))]
    return [image.crop((0, 0, width, height // 2)), image.crop((0, height - height // 2, width, height))]


def ours(prints: Sequence[Fingerprint]) -> Pairs:
    """The pairs that the stage `deduplicate` calls copies, without its groups."""
    limits = load_section(Deduplicate, load_document())
    matcher = HashMatcher(prints, limits)
    found: Pairs = set()
    for first, second in matcher.candidates(np.arange(len(prints))):
        same = matcher.same(first, second)
        found |= set(zip(first[same].tolist(), second[same].tolist(), strict=True))
    return found


def imagededups(images: Sequence[Image.Image]) -> Pairs:
    """The pairs of imagededup's PHash at its own limit, which is `PHASH_DISTANCE` as well."""
    from imagededup.methods import PHash  # pyright: ignore[reportMissingImports]  # not one of our dependencies

    hasher = PHash(verbose=False)
    return near(
        np.array([int(hasher.encode_image(image_array=np.asarray(one)), 16) for one in images], dtype=np.uint64)
    )


def near(hashes: NDArray[np.uint64]) -> Pairs:
    """Pairs of hashes (n,) within `PHASH_DISTANCE`."""
    close = np.triu(np.bitwise_count(hashes[:, None] ^ hashes) <= PHASH_DISTANCE, 1)
    return set(zip(*(side.tolist() for side in np.nonzero(close)), strict=True))


def main() -> None:
    """Print a line for each edit, then both means and precisions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    dice = np.random.default_rng(arguments.seed)
    real = list(pictures(arguments.folders))
    order = dice.permutation(len(real))
    originals = [real[number] for number in order[: len(real) // 2]]
    negatives = [half for number in order[len(real) // 2 :] for half in halves(real[number])]
    negatives += [*gradients(6, dice), *labelled(DRAWN, arguments.seed)[0][: 2 * DRAWN]]
    copies = [edit(image, dice) for edit in EDITS.values() for image in originals]
    everything = [*originals, *negatives, *copies]
    prints = [fingerprint(image) for image in everything]
    first_copy, count = len(originals) + len(negatives), len(originals)
    ways = {"ours": ours(prints), "pHash": near(np.array([one.views[0] for one in prints]))}
    if find_spec("imagededup"):
        ways["imagededup"] = imagededups(everything)
    print(f"{count} originals, {len(negatives)} negatives; found of each edit:")
    recalls = {name: list[float]() for name in ways}
    for number, name in enumerate(EDITS):
        truth = {(place, first_copy + number * count + place) for place in range(count)}
        for way, found in ways.items():
            recalls[way].append(len(found & truth) / count)
        print(f"{name:16}" + "  ".join(f"{way} {recalls[way][-1]:.3f}" for way in ways))
    for way, found in ways.items():
        told = [(one, other) for one, other in found if one < first_copy]
        right = sum(other >= first_copy and (other - first_copy) % count == one for one, other in told)
        mean = np.mean([recall for recall, name in zip(recalls[way], EDITS, strict=True) if name != "screenshot"])
        print(
            f"{way}: recall {mean:.3f} without the screenshot, precision {right / max(1, len(told)):.4f} of {len(told)}"
        )


if __name__ == "__main__":
    main()
