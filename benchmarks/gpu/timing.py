"""Times and memory of work on a device."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from culturebench.stage import THREADS

MOST_ROUNDS = 5


@dataclass
class Timed:
    """Seconds of each repeat, and the most memory of the device (GB) that was in use at once; None on a CPU."""

    seconds: list[float] = field(default_factory=list[float])
    gigabytes: float | None = None

    @property
    def median(self) -> float:
        """Of the seconds."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> str:
        """Repeats and range, in words."""
        if len(self.seconds) == 1:
            return "once"
        return f"median of {len(self.seconds)}, {min(self.seconds):.3g}–{max(self.seconds):.3g} s"


def once(work: Callable[[], object], device: torch.device, timed: Timed) -> None:
    """Run `work` and add what it took."""
    if device.type != "cuda":
        start = time.perf_counter()
        work()
        timed.seconds.append(time.perf_counter() - start)
        return
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    start = time.perf_counter()
    work()
    torch.cuda.synchronize(device)
    timed.seconds.append(time.perf_counter() - start)
    timed.gigabytes = max(timed.gigabytes or 0.0, torch.cuda.max_memory_allocated(device) / 1e9)


def warmed(ways: Mapping[str, Callable[[], object]], device: torch.device) -> float:
    """Run each way once; the seconds of all."""
    warm = Timed()
    for work in ways.values():
        once(work, device, warm)
    return sum(warm.seconds)


def rounds(budget: float, seconds: float) -> int:
    """How often what takes `seconds` is repeated in `budget` seconds: one to five times."""
    return max(1, min(MOST_ROUNDS, int(budget / seconds)))


def in_turns(ways: Mapping[str, Callable[[], object]], device: torch.device, count: int) -> dict[str, Timed]:
    """Each way in turn, `count` rounds of them."""
    found = {name: Timed() for name in ways}
    for _ in range(count):
        for name, work in ways.items():
            once(work, device, found[name])
    return found


@contextmanager
def as_a_stage() -> Generator[None]:
    """Within the block torch has one thread of the CPU and refuses what is not deterministic, as in stages."""
    before, threads = torch.get_deterministic_debug_mode(), torch.get_num_threads()
    torch.set_num_threads(THREADS)
    torch.set_deterministic_debug_mode("error")
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)
        torch.set_num_threads(threads)


def ratio(one: Timed, other: Timed) -> float:
    """How many times as long `one` takes as `other`: the median over the rounds that they took in turn."""
    return statistics.median(a / b for a, b in zip(one.seconds, other.seconds, strict=True))
