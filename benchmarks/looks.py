"""What deduplication costs at a million pictures: fingerprints and closer looks; `benchmarks.duplicates` has the rest.

`PYTHONPATH=.:tests/support python -m benchmarks.looks PATH...` cuts parts at random from the pictures of
`benchmarks.copies`, hashes them, and looks closer at those pairs of parts of different pictures that hashes suggest.
Printed are seconds of one core.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from benchmarks.copies import pictures
from culturebench.images.difference import differences
from culturebench.images.hashing import fingerprint
from culturebench.images.matching import HashMatcher
from culturebench.params._base import load_document, load_section
from culturebench.params.deduplicate import Deduplicate

MILLION, REPEATED = 1_000_000, 5


def main() -> None:
    """Print what was measured and what it comes to at a million."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--parts", type=int, default=2500)
    arguments = parser.parse_args()
    real, dice = list(pictures(arguments.paths)), np.random.default_rng(0)
    source = np.arange(arguments.parts) % len(real)
    parts = []
    for image in (real[number] for number in source.tolist()):
        size = dice.uniform(0.3, 0.6)
        left, top = dice.uniform(0, 1 - size, 2)
        box = (left * image.width, top * image.height, (left + size) * image.width, (top + size) * image.height)
        parts.append(image.resize((256, 192), box=box))
    started = time.process_time()
    prints = [fingerprint(part) for part in parts]
    hashing = (time.process_time() - started) / len(parts)
    limits = load_section(Deduplicate, load_document())
    matcher = HashMatcher(prints, limits)
    low, high = np.triu_indices(len(parts), 1)
    different = source[low] != source[high]
    readings, distance = matcher.closest_reading(low[different], high[different])
    allowed = np.where(readings.view == 0, limits.max_hash_distance, limits.max_crop_distance)
    close = readings.chosen(distance <= allowed)
    looks: list[float] = []
    for _ in range(REPEATED):
        started = time.process_time()
        differences(matcher.thumbnails, close)
        looks.append((time.process_time() - started) / len(close))
    count = len(close) / different.sum() * MILLION * (MILLION - 1) / 2
    print(f"{hashing * 1e3:.2f} ms a fingerprint: {hashing * MILLION:,.0f} s for a million pictures")
    print(f"{len(close)} of {different.sum():,} pairs are looked at: {count:,.0f} among a million pictures")
    print(f"{min(looks) * 1e3:.3f} ms a look: {min(looks) * count:,.0f} s")


if __name__ == "__main__":
    main()
