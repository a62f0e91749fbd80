"""Which paired differences are evidence: a test each, corrected for all comparisons of one measure."""

from __future__ import annotations

from collections.abc import Mapping

from culturebench.evaluation.scores import Scores
from culturebench.evaluation.table import Made, PValues, compared
from culturebench.measures.paired_test import SignFlip, holm
from culturebench.measures.units import Unit


def corrected(conditions: Mapping[str, Made], test: SignFlip, by: Unit) -> PValues:
    """The p-value of each difference over all regions of one model and set of prompts, after Holm's correction.

    `by` says what is flipped: prompts or whole regions.

    The comparisons of one measure by one judge, with references and with controls, are corrected together; those
    without a picture in common have none.
    """
    pairs = list(compared(conditions))
    found: dict[tuple[str, str, str, str], float] = {}
    for judge, measure in sorted({(one.judge, one.measure) for made in conditions.values() for one in made.scored}):
        tested = {
            (made.name, other.name, judge, measure): p_value
            for made, other in pairs
            if (p_value := _p_value(test, made, other, judge, measure, by)) is not None
        }
        found |= dict(zip(tested, holm(list(tested.values())), strict=True))
    return found


def _p_value(test: SignFlip, made: Made, other: Made, judge: str, measure: str, by: Unit) -> float | None:
    return test.p_value(_scores(made, judge, measure), _scores(other, judge, measure), made.units(by))


def _scores(made: Made, judge: str, measure: str) -> Scores:
    return next((one.scores for one in made.scored if (one.judge, one.measure) == (judge, measure)), {})
