"""What the study says of each condition, of each kind of task, with intervals over prompts and people."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from culturebench.artifacts.study_tasks import ITEM, KINDS, STEREOTYPE, UNKNOWN, YES
from culturebench.measures.alpha import Level, alpha_interval, krippendorff_alpha
from culturebench.measures.paired_test import holm
from culturebench.measures.two_way import Crossed, Said, TwoWay
from culturebench.measures.units import Units
from culturebench.params.study import REFERENCE
from culturebench.study.given import NO_ANSWER, Answer, Given
from culturebench.study.show import LETTERS

if TYPE_CHECKING:
    from culturebench.artifacts.study import Difference, Estimate, Kind, Of

#: The kinds of task, and what is asked beside the last of them.
QUESTIONS = (*KINDS, STEREOTYPE)
#: What alpha takes the answers for.
LEVELS: Mapping[str, Level] = {"scc": "nominal", "mcc": "nominal", "csr": "ordinal", STEREOTYPE: "nominal"}
#: With what stereotypes are compared if it is shown: too few noun prompts' pictures show a culture at all.
_CULTURAL = "cultural"
_LOWEST, _HIGHEST = 1, 5


class Seen:
    """What one person said of one picture: `score` is None for what was not rated."""

    def __init__(self, question: str, answer: Answer, place: int) -> None:
        task = answer.task
        self.prompt, self.person, self.region = task["prompt_id"], answer.annotator, task["region"]
        self.condition = task["conditions"][place]
        self.said = answer.chosen[0]
        if question == "mcc":
            self.said = str(LETTERS[place] in answer.chosen).lower()
        if question == STEREOTYPE:
            self.said = answer.stereotype
        self.no_answer = self.said == UNKNOWN or (question != STEREOTYPE and bool(set(answer.chosen) & NO_ANSWER))
        self.score = _score(question, self.said, task["region"])


def _score(question: str, said: str, region: str) -> float | None:
    """1 for the right region, a picture that was chosen or a stereotype, else 0; of a rating (x - 1) / 4."""
    if said == UNKNOWN:
        return None
    if question == "csr":
        return (int(said) - _LOWEST) / (_HIGHEST - _LOWEST)
    return float(said == {"scc": region, "mcc": "true", STEREOTYPE: YES}[question])


def reference(question: str, conditions: Sequence[str]) -> str:
    """The condition that the others are compared with."""
    return _CULTURAL if question == STEREOTYPE and _CULTURAL in conditions else REFERENCE


def analyse(found: Given, people: Collection[str], conditions: Sequence[str], numbers: TwoWay) -> dict[str, Kind]:
    """Question -> what these people's answers say; those that the plan has and somebody answered."""
    result: dict[str, Kind] = {}
    for question in QUESTIONS:
        kind = "csr" if question == STEREOTYPE else question
        seen = [
            Seen(question, answer, place)
            for answer in found.answers
            if answer.annotator in people and answer.task["kind"] == kind and answer.task["role"] == ITEM
            and (answer.stereotype or question != STEREOTYPE)
            for place in range(len(answer.task["conditions"]))
        ]  # fmt: skip
        if seen:
            result[question] = _of_kind(question, seen, found.lived, conditions, numbers)
    return result


def _of_kind(
    kind: str, seen: Sequence[Seen], lived: Mapping[str, Sequence[str]], conditions: Sequence[str], numbers: TwoWay
) -> Kind:
    by_condition: dict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        by_condition[one.condition].append(one)
    units = Units("prompt", {one.prompt: one.region for one in seen})
    answered = [list(unit) for unit in _units(kind, seen)]
    level = LEVELS[kind]
    low, high = alpha_interval(answered, level, numbers.resamples, numbers.seed, numbers.level) or (None, None)
    return {
        "conditions": {name: _of(kind, by_condition[name], lived, units, numbers) for name in conditions},
        "against": (against := reference(kind, conditions)),
        "differences": _differences(by_condition, against, conditions, units, numbers),
        "alpha": krippendorff_alpha(answered, level),
        "alpha_low": low,
        "alpha_high": high,
    }


def _units(kind: str, seen: Iterable[Seen]) -> Iterable[list[Any]]:
    """The answers to each prompt under each condition; ratings as numbers, those not given left out."""
    found: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for one in seen:
        if one.score is not None:
            found[one.prompt, one.condition].append(one.score if kind == "csr" else one.said)
    return found.values()


def _of(kind: str, seen: Sequence[Seen], lived: Mapping[str, Sequence[str]], units: Units, numbers: TwoWay) -> Of:
    inside = [one for one in seen if one.region in lived.get(one.person, ())]
    outside = [one for one in seen if one.region not in lived.get(one.person, ())]
    mean, own, others = (estimate(numbers.mean(_said(some), units, share=True)) for some in (seen, inside, outside))
    return {
        "mean": mean,
        "in_region": own,
        "out_of_region": others,
        "no_answer": sum(one.no_answer for one in seen) / len(seen) if seen else None,
        "answers": _counts(kind, seen),
    }


def _counts(kind: str, seen: Sequence[Seen]) -> dict[str, Any]:
    if kind != "scc":
        return dict(sorted(Counter(one.said for one in seen).items()))
    return {
        region: dict(sorted(Counter(one.said for one in seen if one.region == region).items()))
        for region in sorted({one.region for one in seen})
    }


def _differences(
    seen: Mapping[str, Sequence[Seen]], against: str, conditions: Sequence[str], units: Units, numbers: TwoWay
) -> list[Difference]:
    """Each condition minus `against`, with Holm's correction over these."""
    found = {
        name: crossed
        for name in conditions
        if name != against
        and (crossed := numbers.difference(_said(seen[name]), _said(seen[against]), units, share=True))
    }
    tested = {name: one.p for name, one in found.items() if one.p is not None}
    corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
    return [
        {
            "condition": name, "value": one.value, "low": one.low, "high": one.high, "p_value": corrected.get(name),
            "prompts": one.prompts, "people": one.people, "answers": one.answers,
        }
        for name, one in found.items()
    ]  # fmt: skip


def _said(seen: Iterable[Seen]) -> list[Said]:
    return [(one.prompt, one.person, one.score) for one in seen if one.score is not None]


def estimate(crossed: Crossed | None) -> Estimate | None:
    """The estimate as the artifact has it."""
    if crossed is None:
        return None
    return {
        "value": crossed.value, "low": crossed.low, "high": crossed.high,
        "prompts": crossed.prompts, "people": crossed.people, "answers": crossed.answers,
    }  # fmt: skip
