"""Ours beside what a user would do by hand: both measured in the same run, in turns; and on what machine."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

HEAD = ("what both do", "the other way", "ours", "theirs", "theirs / ours", "to know")
LIBRARIES: Final = ("numpy", "torch", "transformers", "diffusers", "eai-sparsify", "pillow", "imagehash", "requests",
                    "faiss-cpu", "usearch", "dvc")  # fmt: skip
#: Seconds of all threads of this process, which other work on the machine disturbs less than the clock.
cpu = time.process_time
#: Seconds by the clock, for work of several threads or processes.
clock = time.perf_counter


@dataclass(frozen=True)
class Row:
    """One line of the table: what both do, the other way, and both figures of every round."""

    work: str
    peer: str
    ours: list[float]  # by round
    theirs: list[float]  # in the same rounds
    unit: str = "s"
    note: str = ""  # what is not equal, and what else has to be known

    @property
    def ratios(self) -> list[float]:
        """How many times ours the other way takes, round by round."""
        return [theirs / ours for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    @property
    def cells(self) -> list[str]:
        """The line of the table."""
        ratios = self.ratios
        spread = f" [{short(min(ratios))}, {short(max(ratios))}]" if len(ratios) > 1 else ", once"
        figures = [f"{short(statistics.median(side))} {self.unit}" for side in (self.ours, self.theirs)]
        return [self.work, self.peer, *figures, f"{short(statistics.median(ratios))}{spread}", self.note]


def in_turns(
    ways: Mapping[str, Callable[[], object]], rounds: int, timer: Callable[[], float] = cpu
) -> dict[str, list[float]]:
    """Seconds of each way in each round; every second round goes backwards, so that no way always comes first."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in list(ways) if number % 2 == 0 else reversed(list(ways)):
            started = timer()
            ways[name]()
            seconds[name].append(timer() - started)
    return seconds


def rows_of(name: str) -> list[Row]:
    """Measure one benchmark here."""
    return list(import_module(f"benchmarks.{name}").rows())


def machine() -> dict[str, str]:
    """The processor, its cores, the memory, and the versions of what is compared."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    found = {"processor": names[0] if names else platform.machine(), "cores": str(os.cpu_count())}
    return found | {"memory": f"{memory:.0f} GiB", "Python": platform.python_version()} | versions()


def versions() -> dict[str, str]:
    """Of the libraries, those that are installed."""
    found: dict[str, str] = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def short(value: float) -> str:
    """With three digits, and no exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 0.001 else f"{value:.6f}"
