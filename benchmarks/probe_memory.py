"""The memory of cultural attention at the size of XLM-R-large (random weights), beside a bare pass of the same batch.

By how much the resident set rises above where it stood before each, at its worst (Linux: VmHWM, reset through
clear_refs), for a batch of prompts as long as the model takes. The allocator is told to give freed memory back at once,
so that the rise is what is held at one time.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks._ratios import Row
from benchmarks.probe import BATCH, THREADS, bare, draw_prompts, kept, large_encoder
from culturebench.probing.attention import AttentionReader

PROCESS = Path("/proc/self")
MMAP_THRESHOLD = -3  # of glibc's mallopt: what is larger is mapped, and unmapped when it is freed
ALLOCATED_APART = 65536  # bytes
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


def rows() -> Iterator[Row]:
    """A bare pass and one with `output_attentions` beside ours."""
    ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, ALLOCATED_APART)
    torch.set_num_threads(THREADS)
    encoder, prompts = large_encoder(), draw_prompts(TIMES)[:BATCH]
    count, length = encoder.tokenize([prompt.text for prompt in prompts]).ids.shape
    ways = {
        "bare": ("sdpa", partial(bare, encoder, prompts)),
        "ours": ("sdpa", partial(AttentionReader(encoder, relative=False), prompts)),
        "kept": ("eager", partial(kept, encoder, prompts)),
    }
    rises: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (attention, work) in ways.items():
            encoder.model.set_attn_implementation(attention)
            rises[name].append(rise(work))
    found = {name: values[1:] for name, values in rises.items()}
    work = f"cultural attention of {count} prompts of {length} tokens, XLM-R-large: by how much memory rises"
    yield Row(work, "`output_attentions=True`", found["ours"], found["kept"], unit="MB")
    yield Row(work, "the floor: a bare pass", found["ours"], found["bare"], unit="MB")
