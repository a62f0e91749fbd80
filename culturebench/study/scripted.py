"""Scripted participants for the atlas, who are no people: they err at known rates, and some click at random."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from culturebench.annotation.study import Consent, StudyAnswer
from culturebench.artifacts.study_tasks import NO, NONE, UNCERTAIN, UNKNOWN, YES
from culturebench.study.draws import share, shuffled
from culturebench.study.show import LETTERS

if TYPE_CHECKING:
    from culturebench.artifacts.study_tasks import TaskRow

SCRIPTED: Final = "scripted-"
_NO_FORM: Final = "0" * 64
#: How often one takes a picture for another region's; by turns.
ERROR_RATES: Final = (0.03, 0.05, 0.08)
#: Stars that one adds to every rating; by turns.
LEANS: Final = (0, 1, -1)
#: The rating of a picture that shows the region asked for, and of one that does not.
_SHOWS, _SHOWS_NOT = 4, 1
#: (condition, prompt id, seed) -> the region that a generated picture shows; none of them where it shows none.
Sight = Callable[[str, str, int], str]


@dataclass(frozen=True)
class Script:
    """One of them; a clicker answers at random, and quickly."""

    number: int
    clicks: bool

    @property
    def error_rate(self) -> float:
        """How often it takes a picture for another region's."""
        return ERROR_RATES[self.number % len(ERROR_RATES)]

    @property
    def lean(self) -> int:
        """Stars that it adds to a rating."""
        return LEANS[self.number % len(LEANS)]

    @property
    def name(self) -> str:
        """It says what it is."""
        how = "clicks at random" if self.clicks else f"error rate {self.error_rate:g}, ratings {self.lean:+d}"
        return f"{SCRIPTED}{self.number + 1:02d} ({how})"


def scripts(people: int, clickers: int) -> list[Script]:
    """As many, the last of them clickers."""
    return [Script(number, number >= people - clickers) for number in range(people)]


def seat(script: Script, blocks: Sequence[str]) -> str:
    """Its block: they take them by turns."""
    return blocks[script.number % len(blocks)]


def consent(script: Script, regions: Sequence[str]) -> Consent:
    """It consents, and has lived in one region."""
    return Consent(
        task_id=_NO_FORM, annotator=script.name, consents=True, lived=[regions[script.number % len(regions)]]
    )


def answers(script: Script, tasks: Sequence[TaskRow], regions: Sequence[str], sight: Sight) -> Iterator[StudyAnswer]:
    """To every one of these tasks."""
    for task in tasks:
        chosen = _click(script, task) if script.clicks else _answer(script, task, regions, sight)
        yield StudyAnswer(
            task_id=task["task_id"],
            annotator=script.name,
            answer=list(chosen),
            too_fast=script.clicks,
            stereotype=_stereotype(script, task, regions, sight) if task["kind"] == "csr" else "",
        )


def _click(script: Script, task: TaskRow) -> Sequence[str]:
    offered = [option for option in task["options"] if option not in (NONE, UNCERTAIN, UNKNOWN)]
    mixed = shuffled(offered, script.name, task["task_id"])
    if task["kind"] != "mcc":
        return mixed[:1]
    return sorted(mixed[: 1 + int(share(script.name, task["task_id"], "many") * len(mixed))])


def _answer(script: Script, task: TaskRow, regions: Sequence[str], sight: Sight) -> Sequence[str]:
    seen = [_seen(script, task, place, regions, sight) for place in range(len(task["conditions"]))]
    if task["kind"] == "scc":
        return [seen[0] if seen[0] in regions else UNCERTAIN]
    shows = [region == task["region"] for region in seen]
    if task["kind"] == "csr":
        wavers = int(share(script.name, task["task_id"], "rating") * 3) - 1
        rating = (_SHOWS if shows[0] else _SHOWS_NOT) + script.lean + wavers
        return [str(min(max(rating, 1), 5))]
    return [LETTERS[place] for place, chosen in enumerate(shows) if chosen] or [NONE]


def _stereotype(script: Script, task: TaskRow, regions: Sequence[str], sight: Sight) -> Literal["yes", "no", "unknown"]:
    """A picture of the region is none to them, but by an error: the atlas has no stereotypes."""
    if script.clicks:
        return (YES, NO, UNKNOWN)[int(3 * share(script.name, task["task_id"], "stereotype"))]
    if _seen(script, task, 0, regions, sight) != task["region"]:
        return UNKNOWN
    return YES if share(script.name, task["task_id"], "stereotype") < script.error_rate else NO


def _seen(script: Script, task: TaskRow, place: int, regions: Sequence[str], sight: Sight) -> str:
    """The region that it takes a picture of the task for; a repeat is seen as it was the first time."""
    real, condition = task["shown"][place], task["conditions"][place]
    true = real or sight(condition, task["prompt_id"], task["seed"])
    key = (script.name, task["kind"], task["prompt_id"], condition, place)
    if share(*key, "error") >= script.error_rate:
        return true
    return shuffled((region for region in regions if region != true), *key)[0]
