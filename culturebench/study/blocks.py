"""Which prompt a block shows under which condition: a Latin square, so that nobody sees one prompt under two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from culturebench.artifacts.study_tasks import KINDS
from culturebench.study.draws import StudyError, shuffled


@dataclass(frozen=True)
class Square:
    """The prompts of each kind in each group, and how many of the drawn ones fit into none."""

    groups: Sequence[Mapping[str, Sequence[str]]]  # of each group: kind -> prompt ids
    left_out: int


def pools(prompts: Mapping[str, Sequence[str]], counts: Mapping[str, int], salt: str) -> dict[str, list[str]]:
    """Kind -> prompt ids, `counts` of each region (code -> its prompt ids); each belongs to one kind."""
    kinds = [kind for kind in KINDS if counts[kind]]
    found: dict[str, list[str]] = {kind: [] for kind in kinds}
    for code in sorted(prompts):
        left = iter(shuffled(prompts[code], salt, "pool"))
        for kind in kinds:
            found[kind] += islice(left, counts[kind])
    return found


def square(pool: Mapping[str, Sequence[str]], conditions: int, groups: int, salt: str) -> Square:
    """Deal each kind's prompts to the groups, as many to each, and of single pictures a multiple of the conditions.

    Raises `StudyError` where a kind has too few.
    """
    dealt: list[dict[str, list[str]]] = [{} for _ in range(groups)]
    left_out = 0
    for kind in (kind for kind in KINDS if kind in pool):
        names = shuffled(pool[kind], salt, "group", kind)
        step = 1 if kind == "mcc" else conditions
        size = len(names) // (step * groups) * step
        if not size:
            raise StudyError(
                f"params.yaml: study.prompts_per_region.{kind}: there are {len(names)} prompts; {groups} groups need "
                f"at least {step} each; raise it (and generate.prompts_per_region), or lower study.groups"
            )
        left_out += len(names) - size * groups
        for number, one in enumerate(dealt):
            one[kind] = names[number * size : (number + 1) * size]
    return Square(dealt, left_out)
