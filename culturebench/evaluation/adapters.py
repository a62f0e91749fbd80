"""What an adapter changes: every measure of every set of prompts, beside the same pictures without the adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from culturebench.conditions.adapted import BOTH, EXPLICIT, GENERIC
from culturebench.evaluation.names import CULTURE, OBJECT, PLAIN, POOLED
from culturebench.measures import records
from culturebench.measures.statistics import Bootstrap, Scores, pooled
from culturebench.measures.units import Units

if TYPE_CHECKING:
    from culturebench.artifacts.adapter_results import ResultRow
    from culturebench.artifacts.answers import AnswerRow
    from culturebench.artifacts.measured import MeasuredRow
    from culturebench.artifacts.pictures import PictureRow

#: The share in which the adapter's own region is named, whatever the prompt asks for.
TAKEN = "adapter_region"
#: Seeds of explicit pictures in `BOTH`, where each prompt has one of either kind.
APART = 1_000_000

Group = tuple[str, float]  # set of prompts, strength
Key = tuple[str, int]  # (prompt id, seed)


@dataclass
class Found:
    """Scores by (judge, measure), and why a measure has none."""

    scores: dict[tuple[str, str], dict[Key, float]] = field(default_factory=dict[tuple[str, str], dict[Key, float]])
    reasons: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])


def groups_of(pictures: Sequence[PictureRow]) -> dict[Group, list[PictureRow]]:
    """Pictures by set and strength."""
    found: dict[Group, list[PictureRow]] = {}
    for row in pictures:
        found.setdefault((row["condition"], row["strength"]), []).append(row)
    return found


def score_judged(
    answers: Mapping[str, Sequence[AnswerRow]], pictures: Sequence[PictureRow], region: str, plain: str
) -> dict[tuple[str, str], dict[Key, float]]:
    """Scores of one group's `answers` by judge, in the order of its pictures; `region` "" for an adapter of all."""
    found: dict[tuple[str, str], dict[Key, float]] = {}
    for judge, said in answers.items():
        for row, picture in zip(said, pictures, strict=True):
            key = row["prompt_id"], row["seed"]
            values = {
                TAKEN: row["answer"] == (region or row["region"]),
                CULTURE: row["answer"] == row["region"],
                PLAIN: row["answer"] == plain,
            }
            if picture["object"] and row["object"]:
                values[OBJECT] = row["object"] == picture["object"]
            for measure, value in values.items():
                found.setdefault((judge, measure), {})[key] = float(value)
    for measure in sorted({measure for _, measure in found}):
        several = [scores for (_, name), scores in found.items() if name == measure]
        found[POOLED, measure] = pooled(several)
    return found


def add_measured(found: Found, rows: Sequence[MeasuredRow]) -> None:
    """Put the measures without a judge beside the judges'."""
    for row in rows:
        key = "", row["measure"]
        if row["value"] is None:
            found.reasons[key] = row["reason"]
        else:
            found.scores.setdefault(key, {})[row["prompt_id"], row["seed"]] = row["value"]


def result_rows(groups: Mapping[Group, Found], regions: Mapping[str, str], bootstrap: Bootstrap) -> list[ResultRow]:
    """Rows of the artifact, with both English sets together; `regions` by prompt id."""
    every = {**groups, **_both(groups)}
    units = Units("prompt", regions)
    rows: list[ResultRow] = []
    for (name, strength), found in sorted(every.items()):
        plain = every[name, 0.0]
        for key in sorted({*found.scores, *found.reasons}):
            scores = found.scores.get(key, {})
            rows.append(_row(name, strength, key, scores, plain.scores.get(key, {}), found, units, bootstrap))
    return rows


def _both(groups: Mapping[Group, Found]) -> dict[Group, Found]:
    """All pictures of both English sets: the mean of all lies between the two kinds'."""
    made: dict[Group, Found] = {}
    for (name, strength), explicit in groups.items():
        if name == EXPLICIT and (generic := groups.get((GENERIC, strength))):
            made[BOTH, strength] = Found(
                {
                    key: {
                        **generic.scores[key],
                        **{(prompt, seed + APART): value for (prompt, seed), value in scores.items()},
                    }
                    for key, scores in explicit.scores.items()
                    if key in generic.scores
                }
            )
    return made


def _row(
    name: str,
    strength: float,
    key: tuple[str, str],
    scores: Scores,
    plain: Scores,
    found: Found,
    units: Units,
    bootstrap: Bootstrap,
) -> ResultRow:
    judge, measure = key
    share = bool(judge) or records.measure(measure).unit == "share"
    value = bootstrap.mean(scores, units, share=share) if scores else None
    change = bootstrap.difference(scores, plain, units, share=share) if strength and scores else None
    return {
        "set": name,
        "strength": strength,
        "judge": judge,
        "measure": measure,
        "value": value.value if value else None,
        "low": value.low if value else None,
        "high": value.high if value else None,
        "change": change.value if change else None,
        "change_low": change.low if change else None,
        "change_high": change.high if change else None,
        "n_prompts": value.n_prompts if value else 0,
        "n_images": value.n_images if value else 0,
        "reason": "" if value else found.reasons.get(key, "measured on no picture"),
    }
