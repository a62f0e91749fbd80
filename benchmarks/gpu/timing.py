"""Times and memory of work on a device."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

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


def in_turns(ways: Mapping[str, Callable[[], object]], device: torch.device, budget: float) -> dict[str, Timed]:
    """Each way once to warm up, then in turn: as many rounds as `budget` seconds allow, one to five."""
    warm = Timed()
    for work in ways.values():
        once(work, device, warm)
    rounds = max(1, min(MOST_ROUNDS, int(budget / sum(warm.seconds))))
    found = {name: Timed() for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            once(work, device, found[name])
    return found


def ratio(one: Timed, other: Timed) -> float:
    """How many times as long `one` takes as `other`: the median over the rounds that they took in turn."""
    return statistics.median(a / b for a, b in zip(one.seconds, other.seconds, strict=True))
