"""Fingerprints of JPEGs of 1 to 12 megapixels, beside a plain loop of imagehash over whole pictures.

Ours also hashes 34 crops and the mirror image. The floor is the decoding alone.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import imagehash
import numpy as np
from PIL import Image

from benchmarks._ratios import Row, clock, in_turns
from culturebench.engine.batches import map_batches
from culturebench.engine.worker import each, in_batches
from culturebench.images.decode import decode
from culturebench.images.hashing import DECODED_SIDE, fingerprint
from culturebench.params.engine import Engine

MEGAPIXELS, FILES, ROUNDS = (1, 2, 4, 8, 12), 30, 3
ENGINE = Engine(kind="local", workers=2, address=None, cpus_per_worker=1, gpus_per_worker=0)


def draw(seed: int) -> bytes:
    """A JPEG with structure of every size, and some noise."""
    dice = np.random.default_rng(seed)
    width = round((MEGAPIXELS[seed % len(MEGAPIXELS)] * 4e6 / 3) ** 0.5)
    height = width * 3 // 4
    layers = np.zeros((height, width), dtype=np.float32)
    for side in (3, 6, 12, 24, 48, 96, 192, 384):
        small = Image.fromarray(dice.integers(0, 256, (side * 3 // 4, side), dtype=np.uint8))
        layers += np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), np.float32) / side**0.8
    layers += dice.normal(0, 3, (height, width)).astype(np.float32)
    grey = ((layers - layers.min()) / (layers.max() - layers.min()) * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.merge("RGB", [Image.fromarray(grey), Image.fromarray(grey[::-1]), Image.fromarray(grey[:, ::-1])]).save(
        buffer, "JPEG", quality=88
    )
    return buffer.getvalue()


def plain(files: list[bytes]) -> list[int]:
    """As one would first write it."""
    return [int(str(imagehash.phash(Image.open(io.BytesIO(data)))), 16) for data in files]


def ours(files: list[bytes]) -> list[int]:
    """As the stage deduplicate does it, on two cores."""
    done = map_batches(each(_hash), in_batches(files, 8), engine=ENGINE, label="ours", place="threads")
    return [result for batch in done for result in batch if isinstance(result, int)]


def _hash(data: bytes) -> int:
    return int(fingerprint(decode(data, min_side=DECODED_SIDE)).views[0])


def decoding(files: list[bytes]) -> list[int]:
    """The floor: both cores at least have to read the pictures."""
    done = map_batches(each(_decode), in_batches(files, 8), engine=ENGINE, label="floor", place="threads")
    return [result for batch in done for result in batch if isinstance(result, int)]


def _decode(data: bytes) -> int:
    return decode(data, min_side=DECODED_SIDE).width


def rows() -> Iterator[Row]:
    """The loop and the floor beside ours, by the clock and by CPU time."""
    files = [draw(seed) for seed in range(FILES)]
    found: dict[str, list[int]] = {}

    def run(name: str, way: Callable[[list[bytes]], list[int]]) -> None:
        found[name] = way(files)

    ways = {name: partial(run, name, way) for name, way in {"ours": ours, "plain": plain, "floor": decoding}.items()}
    by_clock, by_cpu = in_turns(ways, ROUNDS, clock), in_turns(ways, ROUNDS)
    bits = Counter((one ^ other).bit_count() for one, other in zip(found["plain"], found["ours"], strict=True))
    near = sum(count for distance, count in bits.items() if distance <= 2) / FILES
    work = f"hash {FILES} JPEGs of {min(MEGAPIXELS)} to {max(MEGAPIXELS)} megapixels"
    note = f"ours hashes 34 crops and the mirror image as well; {near:.0%} of the hashes within 2 bits"
    peer = "a loop of imagehash over whole pictures"
    yield Row(f"{work}, ours with two threads", peer, by_clock["ours"], by_clock["plain"], note=note)
    yield Row(f"{work}, CPU time", peer, by_cpu["ours"], by_cpu["plain"], note=note)
    yield Row(f"{work}, CPU time", "the floor: decoding alone, as ours decodes", by_cpu["ours"], by_cpu["floor"])
