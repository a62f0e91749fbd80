"""`culturebench repro`: bring the pipeline up to date, and say how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated

import typer

from culturebench.cli._shared import ROOT
from culturebench.errors import plain


def repro(
    targets: Annotated[list[str] | None, typer.Argument(help="Stages such as `split`; everything by default.")] = None,
) -> None:
    """Run what is not up to date; goes on where a stopped or killed run was.

    It is `dvc repro` with four things more: it waits for flows that write to this workspace, as they wait for it; files
    that a kill cut off, and a dvc.lock with a merge conflict, are mended first and kept as they were; the processes of
    a stopped run never outlive it; and every stage says which one of how many it is.
    """
    from flows import dvc
    from flows.workspace import only_writer

    chosen = targets or []
    report = Progress(lambda: len(dvc.graph(root=ROOT).select(chosen)))
    with only_writer(ROOT, typer.echo, rebuild=True):
        dvc.reproduce(chosen, root=ROOT, on_line=report.line)


class Progress:
    """Passes DVC's lines on; before a stage that runs stands its number, the time gone, and an estimate of the rest.

    `count` gives the number of all stages; it is asked once, and only if a stage runs at all.
    """

    def __init__(self, count: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._count = count
        self._clock = clock
        self._started = clock()
        self._total = self._seen = self._ran = 0

    def line(self, line: str) -> None:
        """Take one line of `dvc repro`."""
        running = line.startswith("Running stage '")
        if running or (line.startswith("Stage '") and "skipping" in line):
            self._seen += 1
        if not line.endswith("didn't change, skipping"):
            typer.echo(f"{self._place()} {plain(line)}" if running else plain(line))

    def _place(self) -> str:
        self._total = self._total or self._count()
        self._ran += 1
        gone = self._clock() - self._started
        place = f"[{self._seen}/{self._total}, {_minutes(gone)}"
        if self._ran > 1:
            left = gone / (self._ran - 1) * (self._total - self._seen + 1)
            place += f", about {_minutes(left)} left"
        return f"{place}]"


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
