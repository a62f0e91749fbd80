"""Ours beside what a user would do by hand: both measured in the same run, in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

HEAD = ("what both do", "the other way", "ours", "theirs", "theirs / ours", "to know")
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
        spread = f" [{_short(min(ratios))}, {_short(max(ratios))}]" if len(ratios) > 1 else ", once"
        figures = [f"{_short(statistics.median(side))} {self.unit}" for side in (self.ours, self.theirs)]
        return [self.work, self.peer, *figures, f"{_short(statistics.median(ratios))}{spread}", self.note]


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


def _short(value: float) -> str:
    """Three digits, and no exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 0.001 else f"{value:.6f}"
