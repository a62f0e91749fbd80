"""The edits that stand in the place of a region's culture neurons, one function for each control's record.

Every picture has a draw of its own: pictures that share one are no independent evidence, and a paired test that takes
them for it rejects too often.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from culturebench.errors import CultureBenchError
from culturebench.interventions.edits import along, norm_matched
from culturebench.interventions.neurons import Bools, Neurons, NeuronTable, as_neurons, shown
from culturebench.text_to_image.base import Edit

NEAREST = 8  # `matched` draws among that many latents of the nearest firing and mean
LEAST = 3  # times the region's neurons: a smaller pool gives every picture almost the same latents


class NoControlError(CultureBenchError):
    """A control that cannot be drawn for a region; the message says why, and its pictures are left out."""


@dataclass(frozen=True)
class Beside:
    """One picture's edit, of whatever kind, that a control is to stand beside."""

    reference: Edit
    width: int  # of a feature
    random: np.random.Generator  # of this picture alone


@dataclass(frozen=True)
class Case(Beside):
    """One picture's edit of neurons."""

    table: NeuronTable
    region: str
    sae_seed: int
    acted_on: Callable[[str], Neurons]  # what the same edit would act on in a region
    make: Callable[[Neurons], Edit]  # the same edit of other neurons

    @property
    def own(self) -> Neurons:
        """What the edit acts on: the region's culture neurons, and its language's where the edit sets them too."""
        return self.acted_on(self.region)

    @property
    def others(self) -> Bools:
        """The latents (latents,) that are none of these, and none of the region's culture neurons."""
        others = ~self.table.of(self.region, self.sae_seed).selected
        others[self.own.indices] = False
        return others

    def matched(self, neurons: Neurons) -> Edit:
        """The edit of `neurons`, at every token as large as the one that it stands beside."""
        return norm_matched(self.make(neurons), self.reference)


@dataclass(frozen=True)
class Pool:
    """Latents (latents,) to draw from; `own_only` where only the region's own neurons and noun side are kept out."""

    latents: Bools
    own_only: bool

    @property
    def size(self) -> int:
        """How many there are."""
        return int(self.latents.sum())


#: An edit, and all that determines it beyond the edit that it controls.
Drawn = tuple[Edit, dict[str, Any]]


def at_random(case: Case) -> Drawn:
    """As many latents, uniform over all that the edit leaves alone, edited as they are."""
    scores, count = case.table.of(case.region, case.sae_seed), len(case.own.indices)
    others = np.flatnonzero(case.others)
    if len(others) < count:
        raise NoControlError(f"{len(others)} latents are not {case.region}'s neurons, {count} are needed")
    return _edited(case.make, as_neurons(case.random.choice(others, count, replace=False), scores.level))


def matched(case: Case) -> Drawn:
    """For each neuron another latent that fires as often and as strongly on all regions' cultural prompts together.

    It is switched on as strongly as it is where it fires: it has no region whose prompts it could be averaged over.
    """
    allowed = matched_pool(case.table, case.region, case.sae_seed, case.own.indices).latents
    together = case.table.together(case.sae_seed)
    firing, mean = together.frequency, together.mean
    units = [float(values[allowed].std()) or 1.0 for values in (firing, mean)]
    left, drawn = np.flatnonzero(allowed), list[int]()
    for latent in case.own.indices:
        away = np.abs(firing[left] - firing[latent]) / units[0] + np.abs(mean[left] - mean[latent]) / units[1]
        nearest = np.argsort(away, kind="stable")[:NEAREST]
        place = int(nearest[case.random.integers(len(nearest))])
        drawn.append(int(left[place]))
        left = np.delete(left, place)
    return _edited(case.make, as_neurons(np.array(drawn), mean))


def same_norm(case: Beside) -> Drawn:
    """A Gaussian direction, at every token as large as the edit."""
    direction = case.random.standard_normal(case.width)
    vector = torch.tensor(direction / np.linalg.norm(direction), dtype=torch.float32)
    return along(vector, case.reference), {"direction": [round(float(x), 6) for x in direction]}


def other_region(case: Case) -> Drawn:
    """What the edit would act on in another region, drawn uniformly, at every token as large as the edit."""
    others = [code for code, one in case.table.every(case.sae_seed).items() if one.selected.any()]
    others = [code for code in others if code != case.region]
    if not others:
        raise NoControlError("no other region has culture neurons")
    return _edited(case.matched, case.acted_on(others[case.random.integers(len(others))]))


def language(case: Case) -> Drawn:
    """Latents that fire on at least half of the region's noun prompts, at every token as large as the edit."""
    scores, count = case.table.of(case.region, case.sae_seed), len(case.own.indices)
    shared = np.flatnonzero((scores.frequency_noun >= 0.5) & ~scores.selected)
    if not len(shared):
        raise NoControlError(f"no latent fires on half of {case.region}'s noun prompts and is none of its neurons")
    return _edited(
        case.matched, as_neurons(case.random.choice(shared, min(count, len(shared)), replace=False), scores.level)
    )


#: Name of a control's record -> what it draws in the place of neurons.
DRAWS: Final[Mapping[str, Callable[[Case], Drawn]]] = {
    "random": at_random,
    "matched": matched,
    "same_norm": same_norm,
    "other_region": other_region,
    "language": language,
}
#: The same for an edit that adds a direction.
OF_DIRECTIONS: Final[Mapping[str, Callable[[Beside], Drawn]]] = {"same_norm": same_norm}


def matched_pool(table: NeuronTable, region: str, sae_seed: int, acted_on: Sequence[int] = ()) -> Pool:
    """What `matched` draws from: latents that fire on some cultural prompt, of no neurons and of no noun side's top.

    Those of every region are excluded; where fewer than `LEAST` times the region's neurons are left, or the latents
    that an edit acts on, those of the region alone. `NoControlError` where that is not enough either.
    """
    together, own = table.together(sae_seed), table.of(region, sae_seed)
    alive = together.fires.copy()
    alive[list(acted_on)] = False
    least = LEAST * max(int(own.selected.sum()), len(acted_on))
    for taken, own_only in ((together.taken, False), (shown(own), True)):
        pool = Pool(alive & ~taken, own_only)
        if pool.size >= least:
            return pool
    raise NoControlError(f"the pool holds {pool.size} latents for {region}, {least} are needed")


def _edited(make: Callable[[Neurons], Edit], drawn: Neurons) -> Drawn:
    return make(drawn), {"drawn": drawn.indices, "drawn_levels": drawn.levels}


def random_of(*identity: str | int) -> np.random.Generator:
    """A generator of its own for whatever `identity` names."""
    words: NDArray[np.uint32] = np.frombuffer("\0".join(map(str, identity)).encode("utf-32-le"), dtype=np.uint32)
    return np.random.default_rng(words)
