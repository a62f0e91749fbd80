"""Which paired differences are evidence: a test each, corrected for all comparisons of one measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from culturebench.evaluation.names import ALL, DELTA, DELTA_RANDOM, P_VALUE
from culturebench.evaluation.rows import Condition, flat_row, of_pictures, with_pooled
from culturebench.evaluation.scores import Scores
from culturebench.measures.paired_test import SignFlip, holm
from culturebench.measures.statistics import estimate_of

Row = dict[str, Any]
Pair = tuple[Condition, Condition, str]  # a condition, what it is compared with, the prefix of the difference


def comparison_rows(
    conditions: Mapping[str, Condition],
    references: Mapping[str, str],
    controls: Mapping[str, str],
    test: SignFlip,
) -> list[Row]:
    """One row for each difference over all regions of one model: its p-value after Holm's correction.

    The comparisons of one measure by one judge, with references and with controls, are corrected together.
    """
    full = {name: with_pooled(one) for name, one in conditions.items()}
    pairs = [
        (one, full[other], prefix)
        for name, one in full.items()
        for prefix, other in ((DELTA, references.get(name)), (DELTA_RANDOM, controls.get(name)))
        if other in full
    ]
    measured = sorted({(scored.judge, scored.measure) for one in full.values() for scored in one.scored})
    return [row for judge, measure in measured for row in _family(pairs, judge, measure, test)]


def _family(pairs: Sequence[Pair], judge: str, measure: str, test: SignFlip) -> list[Row]:
    """The rows of one measure by one judge; comparisons without a picture in common have none."""
    found: list[tuple[Pair, Scores, float]] = []
    for pair in pairs:
        first, second = _scores(pair[0], judge, measure), _scores(pair[1], judge, measure)
        p_value = test.p_value(first, second)
        if p_value is not None:
            found.append((pair, {key: 0.0 for key in first if key in second}, p_value))
    adjusted = holm([p_value for *_, p_value in found])
    rows: list[Row] = []
    for ((condition, _, prefix), shared, _), value in zip(found, adjusted, strict=True):
        estimate = of_pictures(estimate_of(value, None, None, shared), shared, condition)
        rows.append(flat_row(condition, judge, ALL, P_VALUE + prefix + measure, estimate))
    return rows


def _scores(condition: Condition, judge: str, measure: str) -> Scores:
    return next((one.scores for one in condition.scored if (one.judge, one.measure) == (judge, measure)), {})
