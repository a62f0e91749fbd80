"""The rows of the evaluation: every measure of every condition, and its paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, groupby
from typing import Any

from culturebench.evaluation.names import AGREEMENT, ALL, CULTURE, DELTA, DELTA_RANDOM, POOLED, TEST
from culturebench.evaluation.scores import Scored, Scores
from culturebench.measures.statistics import Bootstrap, Estimate, pooled

Row = dict[str, Any]


@dataclass(frozen=True)
class Condition:
    """What is known of one model's pictures under one condition."""

    model: str
    encoder: str
    name: str
    strength: float | None
    regions: Mapping[str, str]  # prompt id -> region
    seeds: tuple[int, ...]
    scored: Sequence[Scored]
    answers: Mapping[str, Mapping[tuple[str, int], str]]  # judge -> picture -> answer
    prompts: str = TEST


def condition_rows(
    conditions: Mapping[str, Condition],
    references: Mapping[str, str],
    controls: Mapping[str, str],
    regions: Sequence[str],
    bootstrap: Bootstrap,
) -> list[Row]:
    """The rows of one model: `conditions` by name, what each is compared with, its random control, region codes."""
    full = {name: with_pooled(one) for name, one in conditions.items()}
    rows: list[Row] = []
    for name, condition in full.items():
        for scored in condition.scored:
            rows += _value_rows(condition, scored, regions, bootstrap)
            for prefix, other in ((DELTA, references.get(name)), (DELTA_RANDOM, controls.get(name))):
                if other in full:
                    rows += _delta_rows(condition, scored, full[other], prefix, regions, bootstrap)
        rows += _agreement_rows(condition, bootstrap)
    return rows


def with_pooled(condition: Condition) -> Condition:
    """The condition, also with the judges' mean of every measure that a judge gives."""
    return replace(condition, scored=[*condition.scored, *_pooled(condition.scored)])


def _pooled(scored: Sequence[Scored]) -> list[Scored]:
    judged = sorted((one for one in scored if one.judge), key=lambda one: one.measure)
    result = []
    for measure, group in groupby(judged, key=lambda one: one.measure):
        members = list(group)
        run = [one.scores for one in members if not one.reason]
        reason = "" if run else members[0].reason
        result.append(Scored(POOLED, measure, pooled(run) if run else {}, reason))
    return result


def _value_rows(condition: Condition, scored: Scored, regions: Sequence[str], bootstrap: Bootstrap) -> list[Row]:
    if scored.reason:
        return [flat_row(condition, scored.judge, ALL, scored.measure, None, scored.reason)]
    rows = []
    for region in (ALL, *regions):
        scores = _within(scored.scores, condition, region)
        if scores:
            estimate = of_pictures(bootstrap.mean(scores), scores, condition)
            rows.append(flat_row(condition, scored.judge, region, scored.measure, estimate))
    return rows


def _delta_rows(
    condition: Condition, scored: Scored, other: Condition, prefix: str, regions: Sequence[str], bootstrap: Bootstrap
) -> list[Row]:
    """Differences for all regions; of CultureVQA also by region."""
    measure = prefix + scored.measure
    wanted = (one for one in other.scored if (one.judge, one.measure) == (scored.judge, scored.measure))
    against = next(wanted, Scored(scored.judge, scored.measure, reason=f"not measured on {other.name}"))
    reason = scored.reason or against.reason
    if reason:
        return [flat_row(condition, scored.judge, ALL, measure, None, reason)]
    rows = []
    for region in (ALL, *regions) if scored.measure == CULTURE else (ALL,):
        scores = _within(scored.scores, condition, region)
        estimate = bootstrap.difference(scores, against.scores)
        if estimate is not None:
            shared = {key: 0.0 for key in scores if key in against.scores}
            rows.append(flat_row(condition, scored.judge, region, measure, of_pictures(estimate, shared, condition)))
        elif region == ALL:
            reason = f"no prompt and seed in common with {other.name}"
            rows.append(flat_row(condition, scored.judge, region, measure, None, reason))
    return rows


def _agreement_rows(condition: Condition, bootstrap: Bootstrap) -> list[Row]:
    rows = []
    for first, second in combinations(sorted(condition.answers), 2):
        kappa = bootstrap.kappa(condition.answers[first], condition.answers[second])
        reason = "" if kappa else "no picture that both answered"
        rows.append(flat_row(condition, f"{first}+{second}", ALL, AGREEMENT, kappa, reason))
    if len(condition.answers) > 2:
        every = sorted(condition.answers)
        kappa = bootstrap.fleiss([condition.answers[judge] for judge in every])
        reason = "" if kappa else "no picture that all answered"
        rows.append(flat_row(condition, "+".join(every), ALL, AGREEMENT, kappa, reason))
    return rows


def _within(scores: Scores, condition: Condition, region: str) -> Scores:
    return scores if region == ALL else {k: v for k, v in scores.items() if condition.regions[k[0]] == region}


def of_pictures(estimate: Estimate, scores: Scores, condition: Condition) -> Estimate:
    """A measure of all of a prompt's pictures (seed -1) rests on each of them."""
    if any(seed != -1 for _, seed in scores):
        return estimate
    return replace(estimate, n_images=len(scores) * len(condition.seeds), seeds=condition.seeds)


def flat_row(
    condition: Condition, judge: str, region: str, measure: str, estimate: Estimate | None, reason: str = ""
) -> Row:
    """A row of the artifact `evaluation`."""
    return {
        "model": condition.model,
        "encoder": condition.encoder,
        "prompts": condition.prompts,
        "condition": condition.name,
        "strength": condition.strength,
        "judge": judge,
        "region": region,
        "measure": measure,
        "value": estimate.value if estimate else None,
        "low": estimate.low if estimate else None,
        "high": estimate.high if estimate else None,
        "n_prompts": estimate.n_prompts if estimate else 0,
        "n_images": estimate.n_images if estimate else 0,
        "seeds": list(estimate.seeds) if estimate else [],
        "reason": reason,
    }
