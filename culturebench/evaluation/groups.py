"""CultureVQA of the test prompts of each subdivision and of each category."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from culturebench.evaluation.names import ALL, CULTURE, POOLED
from culturebench.measures.units import Units

if TYPE_CHECKING:
    from culturebench.artifacts.groups import By, GroupRow
    from culturebench.evaluation.table import Made
    from culturebench.measures.statistics import Bootstrap

#: (region, group) of a prompt.
Group = tuple[str, str]


def groups_of(
    regions: Mapping[str, str], subdivisions: Mapping[str, str], categories: Mapping[str, str]
) -> dict[By, dict[str, Group]]:
    """Prompt id -> its group, by subdivision and by category; all three arguments are by prompt id."""
    return {
        "subdivision": {prompt: (region, subdivisions.get(prompt, "")) for prompt, region in regions.items()},
        "category": {prompt: (ALL, categories.get(prompt, "")) for prompt in regions},
    }


def group_rows(
    conditions: Mapping[str, Made], groups: Mapping[By, Mapping[str, Group]], bootstrap: Bootstrap
) -> list[GroupRow]:
    """Rows of one model: the share of right pictures, the judges' mean, of every group of prompts.

    Intervals are Wilson's of each group, with the pictures of a prompt worth as little as they are over all groups
    (`Bootstrap.means_by_region`). Categories go across regions, and within them regions are not told apart.
    """
    return [row for made in conditions.values() for by, of in groups.items() for row in _rows(made, by, of, bootstrap)]


def _rows(made: Made, by: By, groups: Mapping[str, Group], bootstrap: Bootstrap) -> list[GroupRow]:
    scores = next(
        (one.scores for one in made.scored if (one.judge, one.measure) == (POOLED, CULTURE) and not one.reason), {}
    )
    names = {f"{region}/{group}": (region, group) for region, group in groups.values()}
    units = Units("prompt", {prompt: "/".join(group) for prompt, group in groups.items()})
    found = bootstrap.means_by_region(scores, units, share=True)
    return [
        {
            "model": made.model,
            "condition": made.name,
            "by": by,
            "region": names[name][0],
            "group": names[name][1],
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "n_prompts": one.n_prompts,
            "n_images": one.n_images,
        }
        for name, one in found.items()
    ]
