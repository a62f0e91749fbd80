"""`culturebench repro`: bring the pipeline up to date, and say how far it is."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.live import Live
from rich.text import Text

from culturebench.cli._shared import ROOT, console, say
from culturebench.errors import plain

if TYPE_CHECKING:
    from flows.outcomes import Event

#: In a log, a long stage says how far it is at most that often, in seconds.
EVERY = 60.0
#: A bar of tqdm: how far a loop of a stage is.
_BAR = re.compile(r"(\d+)%\|")
#: What DVC says of a stage that the line of progress says already.
_KNOWN = re.compile(r"^(Running stage '|> |Updating lock file|Generating lock file|Stage '.+' didn't change, skipping)")


def repro(
    targets: Annotated[list[str] | None, typer.Argument(help="Stages such as `split`; everything by default.")] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Stages at work at once; by default as many as there is room for."),
    ] = None,
) -> None:
    """Run what is not up to date; goes on where a stopped or killed run was.

    It is `dvc repro` with five things more: independent stages run at once; it waits for flows that write to this
    workspace, as they wait for it; files that a kill cut off, and a dvc.lock with a merge conflict, are mended first
    and kept as they were; the processes of a stopped run never outlive it; and one line says how far all stages are.
    """
    from flows import dvc
    from flows.workspace import only_writer

    progress = Progress()
    with only_writer(ROOT, say, rebuild=True), progress.shown():
        dvc.reproduce(targets or [], root=ROOT, on_event=progress.take, jobs=jobs)


class Progress:
    """What stages print, each line with its stage's name, and how far all are.

    On a terminal that is one line, which stays below; elsewhere it stands before each stage that begins.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = self._printed = clock()
        self._done = self._total = 0
        self._left = "time left not known yet"
        self._working: dict[str, str] = {}  # stage -> how far its loop is

    def shown(self) -> Any:
        """A block in which the line stands on the terminal, if there is one."""
        if not console.is_terminal:
            return nullcontext()
        return Live(console=console, get_renderable=self._rendered, transient=True)

    def take(self, event: Event) -> None:
        """Take one event of `flows.dvc.reproduce`."""
        if event.total:
            self._done, self._total, self._left = event.done, event.total, _left(event)
        if event.kind == "begun":
            self._working[event.stage] = ""
            self._print_place()
        elif event.kind == "ended":
            self._working.pop(event.stage, None)
            if event.outcome == "failed":
                others = ", ".join(self._working)
                self._print(
                    event.text + (f"; nothing new starts, and this goes on to its end: {others}" if others else "")
                )
        elif bar := _BAR.search(event.text):
            self._working[event.stage] = f" {bar[1]}%"
            if self._clock() - self._printed >= EVERY:
                self._print_place()
        elif not (_KNOWN.match(event.text) if event.stage else event.text.endswith("didn't change, skipping")):
            self._print(event.named)

    def _print(self, line: str) -> None:
        console.print(plain(line), markup=False, highlight=False, soft_wrap=True)

    def _print_place(self) -> None:
        if not console.is_terminal:
            self._print(self.place())
            self._printed = self._clock()

    def _rendered(self) -> Text:
        return Text(self.place() if self._total else "", no_wrap=True, overflow="ellipsis")

    def place(self) -> str:
        """How far all stages are, in one line."""
        gone = _minutes(self._clock() - self._started)
        working = (f"{stage}{far}" for stage, far in self._working.items())
        return " · ".join([f"{self._done}/{self._total} stages", *working, f"{gone} gone", self._left])


def _left(event: Event) -> str:
    if event.sure:
        return f"about {_minutes(event.left)} left"
    return f"at least {_minutes(event.left)} left" if event.left >= 1 else "time left not known yet"


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
