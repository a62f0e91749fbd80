"""What an evaluation says of the edits of neurons, for a pack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from culturebench.conditions import CONDITIONS, Condition
from culturebench.evaluation.names import CULTURE, POOLED, TEST
from culturebench.interventions.packs.config import Effect, Interval

if TYPE_CHECKING:
    from culturebench.artifacts.evaluation import EvaluationRow as Row

#: The conditions of which a pack speaks.
EDITED: Final = tuple(one for one in CONDITIONS if one.edit and one.edit.part == "neurons" and one.control is None)


def effects(rows: Iterable[Row], model: str) -> list[Effect]:
    """Each edit's change of CultureVQA on the test prompts of `model`, over all regions and of each."""
    wanted = (model, TEST, POOLED, CULTURE)
    found = {
        (row["condition"], row["against"], row["region"]): row
        for row in rows
        if (row["model"], row["prompts"], row["judge"], row["measure"]) == wanted and row["value"] is not None
    }
    return [
        _effect(one, found, region)
        for one in EDITED
        for condition, against, region in sorted(found)
        if (condition, against) == (one.name, one.reference)
    ]


def _effect(one: Condition, found: Mapping[tuple[str, str, str], Row], region: str) -> Effect:
    row = found[one.name, one.reference, region]
    controls = {name: found.get((name, one.reference, region)) for name in one.control_names}
    return Effect(
        condition=one.name,
        region=region,
        strength=row["strength"],
        change=_interval(row),
        controls={name: _interval(control) for name, control in controls.items() if control},
        prompts=row["n_prompts"],
        pictures=row["n_images"],
    )


def _interval(row: Row) -> Interval:
    assert row["value"] is not None  # rows without one are not among those that were found
    return Interval(value=row["value"], low=row["low"], high=row["high"])
