"""What a run says, line by line, and what became of each stage."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from culturebench.artifacts import code

#: What a line of `flows._side_by_side` begins with that is an event.
EVENT = "\x1e"


class Outcome(StrEnum):
    """What became of a stage in one reproduction."""

    RAN = "ran"
    RESTORED = "restored"  # seen before with the same inputs: its outputs came from the cache
    CACHED = "cached"  # nothing that it depends on has changed
    FAILED = "failed"


@dataclass(frozen=True)
class StageOutcome:
    """One stage's outcome and its wall time in seconds, with what DVC does around it."""

    stage: str
    outcome: Outcome
    seconds: float


@dataclass(frozen=True)
class Event:
    """A line of output, or that a stage's command has begun, or that a stage has ended.

    `stage` is empty where DVC itself speaks. With a command that begins or has ended comes how many stages are `done`,
    of how many, and an estimate of the seconds `left`; `sure` when every stage that is left was measured.
    """

    stage: str = ""
    kind: str = "line"
    text: str = ""
    outcome: str = ""
    seconds: float = 0.0
    done: int = 0
    total: int = 0
    left: float = 0.0
    sure: bool = False

    @property
    def named(self) -> str:
        """The text with its stage's name, unless it says that itself."""
        if not self.stage or self.text.startswith(("Running stage '", "Stage '", f"{self.stage} ")):
            return self.text
        return f"{self.stage}: {self.text}"


_MARKS = (
    (re.compile(r"^Running stage '(.+)':$"), Outcome.RAN),
    (re.compile(r"^Stage '(.+)' is cached - skipping run, checking out outputs$"), Outcome.RESTORED),
    (re.compile(r"^Stage '(.+)' didn't change, skipping$"), Outcome.CACHED),
    (re.compile(r"^ERROR: failed to reproduce '(.+?)'"), Outcome.FAILED),
)
#: The stage that keeps code.json new runs always, and there is nothing to tell of it.
_OF_CODE = re.compile(rf"^(Running stage|Stage) '{code.STAGE}'|^> python -m stages\.{code.STAGE}$")
#: Advice on Git that DVC repeats after every stage, and that a list with nothing in it is empty.
_ADVICE = re.compile(
    r"^(To track the changes with git|To enable auto staging|Use `dvc push`|\t(git add|dvc config core)"
    r"|(WARNING: )?'annotations/.+\.jsonl' is empty)|^$"
)


def is_noise(event: Event) -> bool:
    """Whether there is nothing in it for a person, nor for a count of stages."""
    if event.kind == "line":
        return bool(_ADVICE.match(event.text) or _OF_CODE.match(event.text))
    return event.stage == code.STAGE and event.outcome != Outcome.FAILED


class OutcomeReader:
    """Reads the lines of a run and keeps what became of every stage, in the order in which they ended.

    The lines of a DVC that runs as it is are understood as well: there a stage ends when the next one begins.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._open: tuple[str, Outcome] | None = None
        self._done: dict[str, StageOutcome] = {}

    def read(self, line: str) -> Event:
        """Take one line, without its end."""
        if line.startswith(EVENT):
            event = Event(**json.loads(line.removeprefix(EVENT)))
            if event.outcome:
                self._done[event.stage] = StageOutcome(event.stage, Outcome(event.outcome), event.seconds)
            return event
        for pattern, outcome in _MARKS:
            if (match := pattern.match(line)) and match[1] not in self._done:
                self._mark(match[1], outcome)
        return Event(text=line)

    def outcomes(self) -> tuple[StageOutcome, ...]:
        """All stages so far; call it when the command has ended, so that the last one's time is right."""
        self._close()
        found = self._done.values()
        return tuple(one for one in found if one.stage != code.STAGE or one.outcome is Outcome.FAILED)

    def _mark(self, stage: str, outcome: Outcome) -> None:
        if outcome is Outcome.FAILED and self._open and self._open[0] == stage:
            self._open = (stage, outcome)
            return
        self._close()
        self._open = (stage, outcome)

    def _close(self) -> None:
        now = self._clock()
        if self._open:
            self._done[self._open[0]] = StageOutcome(*self._open, seconds=now - self._started)
        self._open, self._started = None, now
