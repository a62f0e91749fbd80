"""The memory of cultural attention at the size of XLM-R-large (random weights), beside a bare pass of the same batch.

`python -m benchmarks.probe_memory` prints by how much the resident set rises above where it stood before each, at its
worst (Linux: VmHWM, reset through clear_refs), for a batch of prompts as long as the model takes. It starts itself once
more with an allocator that gives freed memory back at once, so that the rise is what is held at one time.
A bare pass of 16 prompts of 77 tokens rises by 54 MB, ours by 55 MB, one with `output_attentions` by 293 MB.
"""

from __future__ import annotations

import os
import re
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.probe import BATCH, LENGTH, THREADS, bare, draw_prompts, kept, large_encoder
from culturebench.probing.attention import AttentionReader

PROCESS = Path("/proc/self")
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "65536"}  # bytes; glibc maps what is larger, and unmaps it when it is freed
TIMES = 8  # a caption said as often is longer than `LENGTH`
ROUNDS = 3  # of which the first fills caches and does not count


def rise(work: Callable[[], Any]) -> float:
    """By how many MB the resident set rose at most while `work` ran."""
    (PROCESS / "clear_refs").write_text("5")
    before = _status("VmRSS")
    work()
    return (_status("VmHWM") - before) / 1000


def _status(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", (PROCESS / "status").read_text())
    assert found is not None
    return int(found[1])


def main() -> None:
    """Measure the three in turn."""
    if any(os.environ.get(name) != value for name, value in ALLOCATOR.items()):
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks.probe_memory"], {**os.environ, **ALLOCATOR})
    torch.set_num_threads(THREADS)
    encoder, prompts = large_encoder(), draw_prompts(TIMES)[:BATCH]
    tokens = encoder.tokenize([prompt.text for prompt in prompts]).ids.shape
    ways = {
        "bare": ("sdpa", partial(bare, encoder, prompts)),
        "ours": ("sdpa", partial(AttentionReader(encoder, relative=False), prompts)),
        "output_attentions": ("eager", partial(kept, encoder, prompts)),
    }
    rises: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (attention, work) in ways.items():
            encoder.model.set_attn_implementation(attention)
            rises[name].append(rise(work))
    median = {name: statistics.median(values[1:]) for name, values in rises.items()}
    print(f"{tokens[0]} prompts of {tokens[1]} tokens (at most {LENGTH}), {THREADS} threads")
    for name, values in rises.items():
        extra = f"{median[name] - median['bare']:+.0f} MB beside the bare pass"
        print(f"{name:18} rises by {median[name]:.0f} MB [{min(values[1:]):.0f}, {max(values[1:]):.0f}], {extra}")
    print("wanted: ours at most +50 MB")


if __name__ == "__main__":
    main()
