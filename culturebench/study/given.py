"""Which answers count: those of people who consented, to tasks of the plan, in the block that is theirs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from culturebench.artifacts.study_tasks import GOLD, NONE, REPEAT, UNCERTAIN, UNKNOWN
from culturebench.study.draws import StudyError
from culturebench.study.show import LETTERS

if TYPE_CHECKING:
    from culturebench.annotation.study import Consent, StudyAnswer
    from culturebench.artifacts.study import Participant
    from culturebench.artifacts.study_tasks import TaskRow

#: Answers that say that there is none.
NO_ANSWER = frozenset((UNCERTAIN, NONE, UNKNOWN))
#: The lowest rating of another region's picture that is wrong; 3 is a lenient one.
_WRONG_RATING = 4


@dataclass(frozen=True)
class Answer:
    """One person's answer to one task of the plan."""

    task: TaskRow
    annotator: str
    chosen: tuple[str, ...]
    too_fast: bool
    stereotype: str  # yes, no or unknown; "" where it was not asked or not answered


@dataclass(frozen=True)
class Given:
    """The answers that count, where each person has lived, and how many were set aside for which reason."""

    answers: Sequence[Answer]
    lived: Mapping[str, Sequence[str]]
    seats: Mapping[str, str]
    set_aside: Mapping[str, int]


def given(
    tasks: Sequence[TaskRow],
    answers: Mapping[str, Sequence[StudyAnswer]],
    seats: Mapping[str, str],
    consent: Mapping[str, Consent],
) -> Given:
    """`answers` are those in each block's file. Raises `StudyError` for one that its task does not offer."""
    by_id = {row["task_id"]: row for row in tasks}
    aside: dict[str, int] = dict.fromkeys(("other_plan", "other_block", "no_consent"), 0)
    found: list[Answer] = []
    for block in sorted(answers):
        for one in sorted(answers[block], key=lambda one: (one.annotator, one.task_id)):
            task = by_id.get(one.task_id)
            if task is None:
                aside["other_plan"] += 1
            elif seats.get(one.annotator) != task["block"]:
                aside["other_block"] += 1
            elif one.annotator not in consent or not consent[one.annotator].consents:
                aside["no_consent"] += 1
            else:
                check(task, one.answer)
                _check_stereotype(task, one.stereotype)
                found.append(Answer(task, one.annotator, tuple(one.answer), one.too_fast, one.stereotype))
    return Given(found, {name: one.lived for name, one in consent.items()}, seats, aside)


def check(task: TaskRow, chosen: Sequence[str]) -> None:
    """Raise `StudyError` unless a form of the task could have given this answer."""
    several = task["kind"] == "mcc" and NONE not in chosen
    if not set(chosen) <= {*task["options"]} or len(set(chosen)) < len(chosen) or (len(chosen) != 1 and not several):
        raise StudyError(
            f"annotations/study/{task['block']}.jsonl: {', '.join(chosen)} is no answer to task "
            f"{task['task_id'][:12]}…; it offers {', '.join(task['options'])}"
        )


def _check_stereotype(task: TaskRow, said: str) -> None:
    if said and task["kind"] != "csr":
        raise StudyError(
            f"annotations/study/{task['block']}.jsonl: task {task['task_id'][:12]}… of {task['kind']} asks for no "
            f"stereotype and has {said!r}; only those of csr do"
        )


def participants(found: Given, max_gold_wrong: int) -> dict[str, Participant]:
    """Everyone who answered; left out is who has more wrong than `max_gold_wrong`, whatever else was answered."""
    by_person: dict[str, list[Answer]] = defaultdict(list)
    for answer in found.answers:
        by_person[answer.annotator].append(answer)
    return {name: _participant(found.seats[name], own, max_gold_wrong) for name, own in sorted(by_person.items())}


def _participant(block: str, own: Sequence[Answer], max_gold_wrong: int) -> Participant:
    right = [found for answer in own if answer.task["role"] == GOLD and (found := is_right(answer)) is not None]
    first = {_of_prompt(answer): set(answer.chosen) for answer in own if answer.task["role"] not in (GOLD, REPEAT)}
    again = [answer for answer in own if answer.task["role"] == REPEAT and _of_prompt(answer) in first]
    return {
        "block": block,
        "answers": len(own),
        "gold": len(right),
        "gold_wrong": right.count(False),
        "repeats": len(again),
        "alike": sum(set(answer.chosen) == first[_of_prompt(answer)] for answer in again),
        "too_fast": sum(answer.too_fast for answer in own),
        "left_out": right.count(False) > max_gold_wrong,
    }


def is_right(answer: Answer) -> bool | None:
    """Whether a task with a known answer was answered rightly; None for `uncertain`, `none` and `unknown`.

    A grid is answered rightly with at least one picture of the region that it asks for, and with no other.
    """
    if set(answer.chosen) & NO_ANSWER:
        return None
    task = answer.task
    if task["kind"] == "scc":
        return answer.chosen == (task["region"],)
    if task["kind"] == "csr":
        return int(answer.chosen[0]) < _WRONG_RATING
    return {task["shown"][LETTERS.index(letter)] for letter in answer.chosen} == {task["region"]}


def _of_prompt(answer: Answer) -> tuple[str, str]:
    return answer.task["kind"], answer.task["prompt_id"]
