"""What deduplication costs at a million pictures: fingerprints, the search for close hashes, and closer looks.

`PYTHONPATH=.:tests/support python -m benchmarks.looks PATH...` cuts parts at random from the pictures of
`benchmarks.copies`, hashes them, and looks closer at those pairs of parts of different pictures that hashes suggest.
The search is measured with random hashes of `--pictures` pictures. Printed are seconds of one core.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.copies import pictures
from culturebench.images.hashing import THUMBNAIL, VIEWS, Fingerprint, fingerprint
from culturebench.images.matching import HashMatcher
from culturebench.params._base import load_document, load_section
from culturebench.params.deduplicate import Deduplicate

MILLION, REPEATED = 1_000_000, 5


def parts_of(real: list[Image.Image], source: NDArray[np.int64]) -> Iterator[Image.Image]:
    """For each number in `source` a part of that picture, 30 to 60% of its width and height."""
    dice = np.random.default_rng(0)
    for image in (real[number] for number in source.tolist()):
        size = dice.uniform(0.3, 0.6)
        left, top = dice.uniform(0, 1 - size, 2)
        box = (left * image.width, top * image.height, (left + size) * image.width, (top + size) * image.height)
        yield image.resize((256, 192), box=box)


def search(count: int, limits: Deduplicate) -> float:
    """Seconds to hear of all candidates among `count` pictures with random hashes."""
    dice, blank = np.random.default_rng(0), np.zeros((1, 1, 3), dtype=np.uint8)
    views = dice.integers(0, 2**64, (count, len(VIEWS) + 1), dtype=np.uint64)
    matcher = HashMatcher([Fingerprint(row[:-1], int(row[-1]), blank) for row in views], limits)
    started = time.process_time()
    for _ in matcher.candidates(np.arange(count)):
        pass
    return time.process_time() - started


def main() -> None:
    """Print what was measured and what it comes to at a million."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--parts", type=int, default=1500)
    parser.add_argument("--pictures", type=int, default=160_000, help="pictures of the largest search")
    arguments = parser.parse_args()
    real = list(pictures(arguments.paths))
    source = np.arange(arguments.parts) % len(real)
    parts = list(parts_of(real, source))
    limits = load_section(Deduplicate, load_document())
    started = time.process_time()
    prints = [fingerprint(part) for part in parts]
    hashing = (time.process_time() - started) / len(parts)
    print(f"{hashing * 1e3:.2f} ms a fingerprint: {hashing * MILLION:,.0f} s for a million pictures", flush=True)
    sizes = arguments.pictures // np.array([4, 2, 1])
    seconds = [search(size, limits) for size in sizes.tolist()]
    power = float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
    far = seconds[-1] * (MILLION / arguments.pictures) ** power
    print(f"{seconds[-1]:.1f} s search {arguments.pictures:,} pictures; as n^{power:.2f}, {far:,.0f} s a million")
    matcher = HashMatcher(prints, limits)
    low, high = np.triu_indices(len(parts), 1)
    different = source[low] != source[high]
    readings, distance = matcher.closest_reading(low[different], high[different])
    close = distance <= np.where(readings.view == 0, limits.max_hash_distance, limits.max_crop_distance)
    first, second = readings.first[close], readings.second[close]
    looks: list[float] = []
    for _ in range(REPEATED):
        started = time.process_time()
        matcher.same(first, second)
        looks.append((time.process_time() - started) / max(1, len(first)))
    count = len(first) / different.sum() * MILLION * (MILLION - 1) / 2
    print(f"{len(first)} of {different.sum():,} pairs are looked at: {count:,.0f} among a million pictures")
    print(f"{min(looks) * 1e3:.3f} ms a look: {min(looks) * count:,.0f} s, of pictures of {THUMBNAIL} pixels")


if __name__ == "__main__":
    main()
