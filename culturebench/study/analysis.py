"""What the study says of each condition, of each kind of task, with intervals over prompts and people."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from culturebench.artifacts.study_tasks import ITEM, KINDS, UNKNOWN
from culturebench.measures.alpha import Level, alpha_interval, krippendorff_alpha
from culturebench.measures.paired_test import holm
from culturebench.measures.two_way import Crossed, Said, TwoWay
from culturebench.measures.units import Units
from culturebench.params.study import REFERENCE
from culturebench.study.given import NO_ANSWER, Answer, Given
from culturebench.study.show import LETTERS

if TYPE_CHECKING:
    from culturebench.artifacts.study import Difference, Estimate, Kind, Of

#: What alpha takes the answers for.
LEVELS: Mapping[str, Level] = {"scc": "nominal", "mcc": "nominal", "csr": "ordinal"}
_LOWEST, _HIGHEST = 1, 5


class Seen:
    """What one person said of one picture: `score` is None for a rating that was not given."""

    def __init__(self, answer: Answer, place: int) -> None:
        task = answer.task
        self.prompt, self.person, self.region = task["prompt_id"], answer.annotator, task["region"]
        self.condition = task["conditions"][place]
        self.said = answer.chosen[0]
        if task["kind"] == "mcc":
            self.said = str(LETTERS[place] in answer.chosen).lower()
        self.no_answer = bool(set(answer.chosen) & NO_ANSWER)
        self.score = _score(task["kind"], self.said, task["region"])


def _score(kind: str, said: str, region: str) -> float | None:
    """1 for the right region or a picture that was chosen, else 0; of a rating (x - 1) / 4."""
    if kind == "csr":
        return None if said == UNKNOWN else (int(said) - _LOWEST) / (_HIGHEST - _LOWEST)
    return float(said == (region if kind == "scc" else "true"))


def analyse(found: Given, people: Collection[str], conditions: Sequence[str], numbers: TwoWay) -> dict[str, Kind]:
    """Kind -> what these people's answers say; the kinds that the plan has and somebody answered."""
    result: dict[str, Kind] = {}
    for kind in KINDS:
        seen = [
            Seen(answer, place)
            for answer in found.answers
            if answer.annotator in people and answer.task["kind"] == kind and answer.task["role"] == ITEM
            for place in range(len(answer.task["conditions"]))
        ]
        if seen:
            result[kind] = _of_kind(kind, seen, found.lived, conditions, numbers)
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
        "differences": _differences(by_condition, conditions, units, numbers),
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
    seen: Mapping[str, Sequence[Seen]], conditions: Sequence[str], units: Units, numbers: TwoWay
) -> list[Difference]:
    """Each condition minus the noun prompt, with Holm's correction over these."""
    found = {
        name: crossed
        for name in conditions
        if name != REFERENCE
        and (crossed := numbers.difference(_said(seen[name]), _said(seen[REFERENCE]), units, share=True))
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
