"""The rows of the evaluation: every measure of every condition, and its paired differences from others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations, groupby
from typing import TYPE_CHECKING

from culturebench.conditions import condition as record_of
from culturebench.evaluation.names import AGREEMENT, ALL, CULTURE, POOLED, TEST
from culturebench.evaluation.scores import Scored, Scores
from culturebench.measures.statistics import Bootstrap, Estimate, pooled

if TYPE_CHECKING:
    from culturebench.artifacts.evaluation import EvaluationRow as Row

#: (condition, condition that it is compared with, judge, measure) -> corrected p-value.
PValues = Mapping[tuple[str, str, str, str], float]


@dataclass(frozen=True)
class Made:
    """What is known of one model's pictures of one set of prompts under one condition."""

    model: str
    encoder: str
    name: str
    strength: float | None
    regions: Mapping[str, str]  # prompt id -> region
    seeds: tuple[int, ...]
    scored: Sequence[Scored]
    answers: Mapping[str, Mapping[tuple[str, int], str]]  # judge -> picture -> answer
    prompts: str = TEST


def compared(conditions: Mapping[str, Made]) -> Iterator[tuple[Made, Made]]:
    """Each condition with its reference, and with each of its controls and baselines, as far as they are there."""
    for name, one in conditions.items():
        record = record_of(name)
        others = (record.reference, *record.control_names, *record.baselines)
        yield from ((one, conditions[other]) for other in others if other in conditions)


def table_rows(
    conditions: Mapping[str, Made], p_values: PValues, regions: Sequence[str], bootstrap: Bootstrap
) -> list[Row]:
    """The rows of one model and set of prompts: `conditions` by name, judges pooled, and region codes."""
    rows: list[Row] = []
    for made in conditions.values():
        rows += [row for scored in made.scored for row in _value_rows(made, scored, regions, bootstrap)]
        rows += _agreement_rows(made, bootstrap)
    for made, other in compared(conditions):
        rows += [row for one in made.scored for row in _difference_rows(made, other, one, p_values, regions, bootstrap)]
    return rows


def with_pooled(made: Made) -> Made:
    """The condition, also with the judges' mean of every measure that a judge gives."""
    return replace(made, scored=[*made.scored, *_pooled(made.scored)])


def _pooled(scored: Sequence[Scored]) -> list[Scored]:
    judged = sorted((one for one in scored if one.judge), key=lambda one: one.measure)
    result = []
    for measure, group in groupby(judged, key=lambda one: one.measure):
        members = list(group)
        run = [one.scores for one in members if not one.reason]
        reason = "" if run else members[0].reason
        result.append(Scored(POOLED, measure, pooled(run) if run else {}, reason))
    return result


def _value_rows(made: Made, scored: Scored, regions: Sequence[str], bootstrap: Bootstrap) -> list[Row]:
    if scored.reason:
        return [flat_row(made, scored.judge, ALL, measure=scored.measure, reason=scored.reason)]
    rows = []
    for region in (ALL, *regions):
        scores = _within(scored.scores, made, region)
        if scores:
            estimate = of_pictures(bootstrap.mean(scores), scores, made)
            rows.append(flat_row(made, scored.judge, region, measure=scored.measure, estimate=estimate))
    return rows


def _difference_rows(
    made: Made, other: Made, scored: Scored, p_values: PValues, regions: Sequence[str], bootstrap: Bootstrap
) -> list[Row]:
    """Of one measure, for all regions; of CultureVQA also by region."""
    same = (one for one in other.scored if (one.judge, one.measure) == (scored.judge, scored.measure))
    against = next(same, Scored(scored.judge, scored.measure, reason=f"not measured on {other.name}"))
    row = partial(flat_row, made, scored.judge, measure=scored.measure, against=other.name)
    if reason := scored.reason or against.reason:
        return [row(ALL, reason=reason)]
    rows: list[Row] = []
    for region in (ALL, *regions) if scored.measure == CULTURE else (ALL,):
        scores = _within(scored.scores, made, region)
        estimate = bootstrap.difference(scores, against.scores)
        if estimate is not None:
            shared = {key: 0.0 for key in scores if key in against.scores}
            p_value = p_values.get((made.name, other.name, scored.judge, scored.measure)) if region == ALL else None
            rows.append(row(region, estimate=of_pictures(estimate, shared, made), p_value=p_value))
        elif region == ALL:
            rows.append(row(ALL, reason=f"no prompt and seed in common with {other.name}"))
    return rows


def _agreement_rows(made: Made, bootstrap: Bootstrap) -> list[Row]:
    rows = []
    for first, second in combinations(sorted(made.answers), 2):
        kappa = bootstrap.kappa(made.answers[first], made.answers[second])
        reason = "" if kappa else "no picture that both answered"
        rows.append(flat_row(made, f"{first}+{second}", ALL, measure=AGREEMENT, estimate=kappa, reason=reason))
    if len(made.answers) > 2:
        every = sorted(made.answers)
        kappa = bootstrap.fleiss([made.answers[judge] for judge in every])
        reason = "" if kappa else "no picture that all answered"
        rows.append(flat_row(made, "+".join(every), ALL, measure=AGREEMENT, estimate=kappa, reason=reason))
    return rows


def _within(scores: Scores, made: Made, region: str) -> Scores:
    return scores if region == ALL else {k: v for k, v in scores.items() if made.regions[k[0]] == region}


def of_pictures(estimate: Estimate, scores: Scores, made: Made) -> Estimate:
    """A measure of all of a prompt's pictures (seed -1) rests on each of them."""
    if any(seed != -1 for _, seed in scores):
        return estimate
    return replace(estimate, n_images=len(scores) * len(made.seeds), seeds=made.seeds)


def flat_row(
    made: Made,
    judge: str,
    region: str,
    *,
    measure: str,
    against: str = "",
    estimate: Estimate | None = None,
    p_value: float | None = None,
    reason: str = "",
) -> Row:
    """A row of the artifact `evaluation`."""
    return {
        "model": made.model,
        "encoder": made.encoder,
        "prompts": made.prompts,
        "condition": made.name,
        "against": against,
        "strength": made.strength,
        "judge": judge,
        "region": region,
        "measure": measure,
        "value": estimate.value if estimate else None,
        "low": estimate.low if estimate else None,
        "high": estimate.high if estimate else None,
        "p_value": p_value,
        "n_prompts": estimate.n_prompts if estimate else 0,
        "n_images": estimate.n_images if estimate else 0,
        "seeds": list(estimate.seeds) if estimate else [],
        "reason": reason,
    }
