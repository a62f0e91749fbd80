"""The rows of the evaluation: every measure of every condition, and its paired differences from others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations, groupby
from typing import TYPE_CHECKING

from culturebench.conditions import condition as record_of
from culturebench.evaluation.names import AGREEMENT, ALL, CULTURE, POOLED, TEST
from culturebench.evaluation.scores import Scored, Scores
from culturebench.measures import records
from culturebench.measures.statistics import Bootstrap, Estimate, by_region, pooled
from culturebench.measures.units import UNITS, Unit, Units

if TYPE_CHECKING:
    from culturebench.artifacts.evaluation import EvaluationRow as Row

#: (condition, condition that it is compared with, judge, measure) -> corrected p-value.
PValues = Mapping[tuple[str, str, str, str], float]


@dataclass(frozen=True)
class Tests:
    """The corrected p-values with prompts flipped, and with whole regions."""

    by_prompt: PValues
    by_region: PValues

    def of(self, key: tuple[str, str, str, str]) -> tuple[float | None, float | None]:
        """Both of one comparison."""
        return self.by_prompt.get(key), self.by_region.get(key)


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
    subdivisions: Mapping[str, str] = field(default_factory=dict[str, str])  # prompt id -> subdivision
    same: Mapping[str, str] = field(default_factory=dict[str, str])  # prompt id -> the first with the same noun caption

    def units(self, by: Unit = "prompt") -> Units:
        """What is one piece of evidence."""
        return Units(by, self.regions, self.same)


def compared(conditions: Mapping[str, Made]) -> Iterator[tuple[Made, Made]]:
    """Each condition with its reference, and with each of its controls and baselines, as far as they are there."""
    for name, one in conditions.items():
        record = record_of(name)
        others = (record.reference, *record.control_names, *record.baselines)
        yield from ((one, conditions[other]) for other in others if other in conditions)


def table_rows(conditions: Mapping[str, Made], tests: Tests, regions: Sequence[str], bootstrap: Bootstrap) -> list[Row]:
    """The rows of one model and set of prompts: `conditions` by name, judges pooled, and region codes."""
    rows: list[Row] = []
    for made in conditions.values():
        rows += [row for scored in made.scored for row in _value_rows(made, scored, regions, bootstrap)]
        rows += _agreement_rows(made, bootstrap)
    for made, other in compared(conditions):
        rows += [row for one in made.scored for row in _difference_rows(made, other, one, tests, regions, bootstrap)]
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
    share, scores = _is_share(scored), scored.scores
    if not scores:
        return []
    within, between = (of_pictures(bootstrap.mean(scores, made.units(by), share=share), scores, made) for by in UNITS)
    rows = [flat_row(made, scored.judge, ALL, measure=scored.measure, estimate=within, between=between)]
    found = bootstrap.means_by_region(scores, made.units(), share=share)
    own = by_region(scores, made.regions)
    for region in (one for one in regions if one in found):
        estimate = of_pictures(found[region], own[region], made)
        rows.append(flat_row(made, scored.judge, region, measure=scored.measure, estimate=estimate))
    return rows


def _difference_rows(
    made: Made, other: Made, scored: Scored, tests: Tests, regions: Sequence[str], bootstrap: Bootstrap
) -> list[Row]:
    """Of one measure, for all regions; of CultureVQA also by region."""
    same = (one for one in other.scored if (one.judge, one.measure) == (scored.judge, scored.measure))
    against = next(same, Scored(scored.judge, scored.measure, reason=f"not measured on {other.name}"))
    row = partial(flat_row, made, scored.judge, measure=scored.measure, against=other.name)
    if reason := scored.reason or against.reason:
        return [row(ALL, reason=reason)]
    shared = {key: 0.0 for key in scored.scores if key in against.scores}
    if not shared:
        return [row(ALL, reason=f"no prompt and seed in common with {other.name}")] if scored.scores else []
    share = _is_share(scored)
    within, between = (bootstrap.difference(scored.scores, against.scores, made.units(by), share=share) for by in UNITS)
    assert within and between  # they share pictures
    key = (made.name, other.name, scored.judge, scored.measure)
    within, between = of_pictures(within, shared, made), of_pictures(between, shared, made)
    rows: list[Row] = [row(ALL, estimate=within, between=between, p_values=tests.of(key))]
    if scored.measure == CULTURE:
        found = bootstrap.differences_by_region(scored.scores, against.scores, made.units(), share=share)
        own = by_region(shared, made.regions)
        rows += [row(one, estimate=of_pictures(found[one], own[one], made)) for one in regions if one in found]
    return rows


def _agreement_rows(made: Made, bootstrap: Bootstrap) -> list[Row]:
    groups = list(combinations(sorted(made.answers), 2))
    rows = [_agreement_row(made, group, bootstrap.kappa, "both") for group in groups]
    if len(made.answers) > 2:
        rows.append(_agreement_row(made, sorted(made.answers), lambda *a: bootstrap.fleiss(a[:-1], a[-1]), "all"))
    return rows


def _agreement_row(made: Made, judges: Sequence[str], kappa: Callable[..., Estimate | None], who: str) -> Row:
    said = [made.answers[judge] for judge in judges]
    within, between = (kappa(*said, made.units(by)) for by in UNITS)
    reason = "" if within else f"no picture that {who} answered"
    return flat_row(made, "+".join(judges), ALL, measure=AGREEMENT, estimate=within, between=between, reason=reason)


def _is_share(scored: Scored) -> bool:
    return records.measure(scored.measure).unit == "share"


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
    between: Estimate | None = None,
    p_values: tuple[float | None, float | None] = (None, None),
    reason: str = "",
) -> Row:
    """A row of the artifact `evaluation`: `estimate` and the first p-value by prompt, the others by region."""
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
        "p_value": p_values[0],
        "low_by_region": between.low if between else None,
        "high_by_region": between.high if between else None,
        "p_by_region": p_values[1],
        "n_prompts": estimate.n_prompts if estimate else 0,
        "n_images": estimate.n_images if estimate else 0,
        "seeds": list(estimate.seeds) if estimate else [],
        "reason": reason,
    }
