"""What counts as one piece of evidence: prompts within their regions, or whole regions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Unit = Literal["prompt", "region"]
UNITS: Final[tuple[Unit, ...]] = get_args(Unit)


@dataclass(frozen=True)
class Units:
    """What is drawn anew; `regions` maps a prompt id to its region.

    `same` maps the id of a prompt to the one that stands for it where several say the same words: they are one unit,
    and regions that share one are one stratum.
    By `prompt` the regions are these and no others, and prompts stand for more prompts of their region (a stratified
    sample). By `region` the regions stand for more regions like them (a sample of clusters). Without `regions` all
    prompts are of one.
    """

    by: Unit = "prompt"
    regions: Mapping[str, str] = field(default_factory=dict[str, str])
    same: Mapping[str, str] = field(default_factory=dict[str, str])

    def one(self, prompt: str) -> str:
        """The prompt that stands for this one: itself where no other says the same."""
        return self.same.get(prompt, prompt)

    def of(self, prompts: Iterable[str]) -> Drawn:
        """The units that these prompts make up."""
        names = sorted(set(prompts))
        region = [self.regions.get(name, "") for name in names]
        if self.by == "region":
            number = {code: i for i, code in enumerate(sorted(set(region)))}
            return Drawn({name: number[code] for name, code in zip(names, region, strict=True)}, (len(number),))
        stratum = _together((self.one(name), code) for name, code in zip(names, region, strict=True))
        strata: dict[str, dict[str, None]] = {}
        for name, code in zip(names, region, strict=True):
            strata.setdefault(stratum[code], {})[self.one(name)] = None
        groups = _joined([list(strata[code]) for code in sorted(strata)])
        number = {unit: i for i, unit in enumerate(unit for group in groups for unit in group)}
        return Drawn({name: number[self.one(name)] for name in names}, tuple(map(len, groups)))


@dataclass(frozen=True)
class Drawn:
    """Prompt id -> number of its unit; units are numbered stratum by stratum, `sizes` of each."""

    index: Mapping[str, int]
    sizes: tuple[int, ...]

    @property
    def count(self) -> int:
        """Of the units."""
        return sum(self.sizes)

    @property
    def freedom(self) -> int:
        """Degrees of freedom of a variance within the strata."""
        return self.count - len(self.sizes)

    @property
    def strata(self) -> NDArray[np.int64]:
        """The stratum of each unit: (units,)."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)


def _together(shown: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Region -> the first of those that it shares a unit with, be it through others; of (unit, region)."""
    regions: dict[str, set[str]] = {}
    for unit, code in shown:
        regions.setdefault(unit, set()).add(code)
    first = {code: code for some in regions.values() for code in some}
    for some in sorted(sorted(some) for some in regions.values() if len(some) > 1):
        heads = {first[code] for code in some}
        first = {code: min(heads) if head in heads else head for code, head in first.items()}
    return first


def _joined(groups: list[list[str]]) -> list[list[str]]:
    """A region with one prompt says nothing of its spread: such regions make up one stratum (Wolter 2007, 2.5)."""
    single = [name for group in groups if len(group) == 1 for name in group]
    others = [group for group in groups if len(group) > 1]
    if len(single) == 1 and others:
        return [*others[:-1], [*others[-1], *single]]
    return [*others, single] if single else others


ONE_REGION: Final = Units()
