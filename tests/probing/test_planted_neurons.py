import numpy as np
import pytest
import torch

from culturebench.probing.selection import Settings, by_weighted_frequency
from culturebench.probing.train_sae import SaeTraining, train
from planted import World, planted_world

SETTINGS = Settings(threshold=0.0, beta=1e-8, least=2, most=64)
SAME = 0.85  # cosine from which a latent's direction is taken for a planted one


def found_neurons(world: World, seed: int) -> tuple[int, int, int, int]:
    """Planted directions, those recovered, latents selected, and those that are none of the region's own."""
    d = world.directions.shape[1]
    generator = torch.Generator().manual_seed(1000 + seed)
    sides = [(region, cultural) for region in range(world.regions) for cultural in (True, False)]
    features = torch.cat([world.samples(2000, r, cultural=c, generator=generator) for r, c in sides])
    sae = train(features, SaeTraining(4 * d, 8, 4000, 256, 4e-4, 1 / 32, d // 2, 200), seed).sae
    closest = (sae.decoder @ world.directions.T).max(dim=1)
    planted = recovered = picked = wrong = 0
    for region in range(world.regions):
        own = {i for i, owner in enumerate(world.region_of) if owner == region}
        cultural, noun = (
            sae.encode(world.samples(600, region, cultural=c, generator=generator)).double().numpy()
            for c in (True, False)
        )
        chosen = np.flatnonzero(by_weighted_frequency(cultural, noun, SETTINGS).selected).tolist()
        hits = [int(closest.indices[i]) for i in chosen if closest.values[i] > SAME and int(closest.indices[i]) in own]
        planted, recovered = planted + len(own), recovered + len(set(hits))
        picked, wrong = picked + len(chosen), wrong + len(chosen) - len(hits)
    return planted, recovered, picked, wrong


@pytest.mark.slow
def test_planted_region_directions_are_recovered_with_few_false_picks():
    worlds = [planted_world(64, 15, 5, 10, 0, cosine=0.3, noise=0.05, seed=seed) for seed in range(3)]
    counts = np.array([found_neurons(world, seed) for seed, world in enumerate(worlds)])
    planted, recovered, picked, wrong = counts.sum(axis=0)
    assert recovered / planted >= 0.95, counts
    assert wrong / picked <= 0.05, counts


def test_the_planted_world_is_as_crowded_as_it_claims():
    world = planted_world(64, 15, 5, 10, 0, cosine=0.3, noise=0.05, seed=0)
    count, d = world.directions.shape
    products = (world.directions @ world.directions.T - torch.eye(count)).abs()
    assert count > d
    assert 0.28 < float(products.max()) <= 0.3
    own = world.rates[[owner is not None for owner in world.region_of]]
    assert float(own.min()) == pytest.approx(0.05)
    assert float(own.max()) == pytest.approx(0.9)
