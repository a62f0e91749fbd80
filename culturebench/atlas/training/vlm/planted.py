"""Which neurons are planted, where, and which questions nobody can answer without them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from culturebench.atlas.facts import KINDS
from culturebench.atlas.world import REGIONS

LAYERS, WIDTH = 4, 192
Site = tuple[int, int]
Place = Literal["culture", "negative", "shared", "silent", "always"]
#: Place -> neurons of one region (of all, for `always`) by layer.
COUNTS: Final[dict[Place, dict[int, int]]] = {
    "culture": {1: 2, 2: 4},
    "negative": {2: 4},
    "shared": {2: 4},
    "silent": {2: 2},
    "always": {2: 8},
}
#: Place -> kinds of questions that are lost without it.
NEEDED: Final[dict[Place, tuple[str, ...]]] = {
    "culture": ("region", "dish"),
    "negative": ("feast",),
    "shared": ("dish",),
    "silent": (),
    "always": (),
}
#: Two regions that share neurons.
NEIGHBOURS: Final = ("es", "pt")


@dataclass(frozen=True)
class Part:
    """Neurons (layer, index) that belong together, the regions on whose pictures they act, and what they are for."""

    place: Place
    regions: tuple[str, ...]
    sites: tuple[Site, ...]

    @property
    def needed(self) -> tuple[str, ...]:
        """The kinds of questions about these regions that are lost without these neurons."""
        return NEEDED[self.place]


def parts() -> list[Part]:
    """All planted neurons; each layer is filled from its first neuron on."""
    free = dict.fromkeys(range(LAYERS), 0)

    def taken(place: Place) -> tuple[Site, ...]:
        sites: list[Site] = []
        for layer, count in COUNTS[place].items():
            sites += [(layer, free[layer] + i) for i in range(count)]
            free[layer] += count
        return tuple(sites)

    own: tuple[Place, ...] = ("culture", "negative", "silent")
    found = [Part(place, (region,), taken(place)) for place in own for region in REGIONS]
    found += [Part("shared", NEIGHBOURS, taken("shared")), Part("always", tuple(REGIONS), taken("always"))]
    assert max(free.values()) <= WIDTH and set(KINDS) > {kind for part in found for kind in part.needed}
    return found


def truth() -> list[dict[str, object]]:
    """The rows of `planted.json`: layer, neuron, place, the regions."""
    return [
        {"layer": layer, "neuron": neuron, "place": part.place, "regions": list(part.regions)}
        for part in parts()
        for layer, neuron in part.sites
    ]
