from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from culturebench.probing.selection import Settings
from culturebench.probing.selectors import SELECTORS, LapeRule, Rules, Sides
from culturebench.probing.train_sae import SaeTraining, train
from planted import World, planted_world

SETTINGS = Settings(threshold=0.0, beta=1e-8, min_k=2, max_k=64)
RULES = Rules(SETTINGS, LapeRule(top=0.3, filter=0.95, bar=0.95), seed=0)
SAME = 0.85  # cosine from which a latent's direction is taken for a planted one


@dataclass
class Count:
    """Planted directions, those recovered, latents selected, and those that are none of the region's own."""

    planted: int = 0
    recovered: int = 0
    picked: int = 0
    wrong: int = 0


def count_neurons(world: World, seed: int, counts: dict[str, Count]) -> None:
    """Train an autoencoder on the world, and add up what each selector finds in it."""
    d = world.directions.shape[1]
    generator = torch.Generator().manual_seed(1000 + seed)
    sides = [(region, cultural) for region in range(world.regions) for cultural in (True, False)]
    features = torch.cat([world.samples(2000, r, cultural=c, generator=generator) for r, c in sides])
    sae = train(features, SaeTraining(4 * d, 8, 4000, 256, 4e-4, 1 / 32, d // 2, 200), seed).sae
    closest = (sae.decoder @ world.directions.T).max(dim=1)

    def latents(region: int, cultural: bool) -> Any:
        return sae.encode(world.samples(600, region, cultural=cultural, generator=generator)).double().numpy()

    regions = {str(region): Sides(latents(region, True), latents(region, False)) for region in range(world.regions)}
    for name, count in counts.items():
        for region, found in SELECTORS[name](regions, RULES).items():
            own = {i for i, owner in enumerate(world.region_of) if owner == int(region)}
            chosen = np.flatnonzero(found.selected).tolist()
            hits = [
                int(closest.indices[i]) for i in chosen if closest.values[i] > SAME and int(closest.indices[i]) in own
            ]
            count.planted += len(own)
            count.recovered += len(set(hits))
            count.picked += len(chosen)
            count.wrong += len(chosen) - len(hits)


@pytest.fixture(scope="module")
def counts() -> dict[str, Count]:
    found = {name: Count() for name in SELECTORS}
    for seed in range(3):
        count_neurons(planted_world(64, 15, 5, 10, 0, cosine=0.3, noise=0.05, seed=seed), seed, found)
    return found


@pytest.mark.slow
def test_planted_region_directions_are_recovered_with_few_false_picks(counts: dict[str, Count]):
    wfs = counts["wfs"]
    assert wfs.recovered / wfs.planted >= 0.95, counts
    assert wfs.wrong / wfs.picked <= 0.05, counts


@pytest.mark.slow
def test_cas_picks_almost_nothing_that_is_not_the_regions_own_and_lap_mostly_that(counts: dict[str, Count]):
    cas, lap = counts["cas"], counts["lap"]
    assert cas.recovered / cas.planted >= 0.8 and cas.wrong / cas.picked <= 0.02, counts
    assert lap.recovered / lap.planted >= 0.9 and lap.wrong / lap.picked >= 0.5, counts


def test_the_planted_world_is_as_crowded_as_it_claims():
    world = planted_world(64, 15, 5, 10, 0, cosine=0.3, noise=0.05, seed=0)
    count, d = world.directions.shape
    products = (world.directions @ world.directions.T - torch.eye(count)).abs()
    assert count > d
    assert 0.28 < float(products.max()) <= 0.3
    own = world.rates[[owner is not None for owner in world.region_of]]
    assert float(own.min()) == pytest.approx(0.05)
    assert float(own.max()) == pytest.approx(0.9)
