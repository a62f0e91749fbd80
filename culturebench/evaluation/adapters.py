"""What an adapter changes: every measure of every set of prompts, beside the same pictures without the adapter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from culturebench.conditions.adapted import BOTH, EXPLICIT, GENERIC
from culturebench.conditions.categories import category_of
from culturebench.evaluation.names import CULTURE, OBJECT, PLAIN, POOLED
from culturebench.measures import records
from culturebench.measures.statistics import Bootstrap, Estimate, pooled
from culturebench.measures.units import Units

if TYPE_CHECKING:
    from culturebench.artifacts.adapter_results import CategoryRow, ResultRow, Shown
    from culturebench.artifacts.answers import AnswerRow
    from culturebench.artifacts.measured import MeasuredRow
    from culturebench.artifacts.pictures import PictureRow

#: The share in which the adapter's own region is named, whatever the prompt asks for.
TAKEN = "adapter_region"
#: (judge, measure) of the table by category: how near pictures come to the culture's concepts, beside the judges.
BY_CATEGORY = (("", "cultural_similarity"), ("", "atlas_cultural_similarity"), (POOLED, TAKEN))
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
            scores, share = found.scores.get(key, {}), _is_share(key)
            value = bootstrap.mean(scores, units, share=share) if scores else None
            before = plain.scores.get(key, {})
            change = bootstrap.difference(scores, before, units, share=share) if strength and scores else None
            rows.append(_row(name, strength, key, value, change, found))
    return rows


def category_rows(
    groups: Mapping[Group, Found], categories: Mapping[str, str], bootstrap: Bootstrap
) -> list[CategoryRow]:
    """Rows of the explicit and the generic prompts of each category; `categories` by prompt id, as the data has them.

    A measure that was not run has a row with its reason for every category that has prompts.
    """
    names = {prompt: category_of(key) for prompt, key in categories.items()}
    return [
        {**row, "category": category}
        for (chosen, strength), found in sorted(groups.items())
        if chosen in (EXPLICIT, GENERIC)
        for key in BY_CATEGORY
        for category, row in _by_category(chosen, strength, key, found, groups[chosen, 0.0], names, bootstrap)
    ]


def _by_category(
    chosen: str, strength: float, key: tuple[str, str], found: Found, plain: Found, names: Mapping[str, str],
    bootstrap: Bootstrap,
) -> Iterator[tuple[str, ResultRow]]:  # fmt: skip
    units, share = Units("prompt", names), _is_share(key)
    scores, before = found.scores.get(key, {}), plain.scores.get(key, {})
    values = bootstrap.means_by_region(scores, units, share=share)
    changes = bootstrap.differences_by_region(scores, before, units, share=share) if strength and scores else {}
    if key in found.reasons and not values:
        prompts = {prompt for of_one in found.scores.values() for prompt, _ in of_one}
        for category in sorted({names.get(prompt, "") for prompt in prompts}):
            yield category, _row(chosen, strength, key, None, None, found)
    for category, value in sorted(values.items()):
        yield category, _row(chosen, strength, key, value, changes.get(category), found)


def shown_by_category(pictures: Mapping[Group, Sequence[PictureRow]], categories: Mapping[str, str]) -> list[Shown]:
    """Of each category the first prompt and seed, by id, that has an explicit and a generic picture: nobody picks."""
    both = [{(row["prompt_id"], row["seed"]) for row in pictures.get((one, 0.0), ())} for one in (EXPLICIT, GENERIC)]
    first: dict[str, Shown] = {}
    for prompt, seed in sorted(set[Key].intersection(*both)):
        category = category_of(categories.get(prompt, ""))
        first.setdefault(category, {"category": category, "prompt_id": prompt, "seed": seed})
    return [first[category] for category in sorted(first)]


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


def _is_share(key: tuple[str, str]) -> bool:
    judge, measure = key
    return bool(judge) or records.measure(measure).unit == "share"


def _row(
    name: str,
    strength: float,
    key: tuple[str, str],
    value: Estimate | None,
    change: Estimate | None,
    found: Found,
) -> ResultRow:
    judge, measure = key
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
