import numpy as np
import pytest
import torch

from culturebench.probing.selection import SelectionError, Settings, by_weighted_frequency
from culturebench.probing.selectors import SELECTORS, LapeRule, Rules, Sides, entropies
from planted import World, planted_world

PUBLISHED = LapeRule(top=0.01, filter=0.95, bar=0.95)
SETTINGS = Settings(threshold=0.0, beta=1e-8, min_k=1, max_k=100)
FIVE = Settings(threshold=0.0, beta=1e-8, min_k=5, max_k=5)  # as many as are planted in a region
FIFTEEN = Settings(threshold=0.0, beta=1e-8, min_k=15, max_k=15)  # and with those that nouns share


def rules(lape: LapeRule = PUBLISHED, seed: int = 0, settings: Settings = SETTINGS):
    return Rules(settings, lape, seed)


def sides(cultural: list[list[float]], noun: list[list[float]] | None = None):
    """Regions a, b, c … of which each row of the lists is one region's mean activation by latent, on every prompt."""
    noun = noun or [[0.0] * len(row) for row in cultural]
    return {
        name: Sides(np.tile(np.array(on, float), (4, 1)), np.tile(np.array(off, float), (4, 1)))
        for name, on, off in zip("abcdef", cultural, noun, strict=False)
    }


def published_lape(fired: torch.Tensor, n: int, top_rate: float, filter_rate: float, bar_ratio: float):
    """Tang et al. 2024 on counts (latents, languages), transcribed from their formula: language -> latents."""
    probs = fired / n
    normed = probs / probs.sum(dim=-1, keepdim=True)
    normed[torch.isnan(normed)] = 0
    entropy = -(normed * torch.where(normed > 0, normed.log(), 0)).sum(dim=-1)
    flat = probs.flatten()
    entropy[(probs > flat.kthvalue(round(len(flat) * filter_rate)).values).sum(dim=-1) == 0] = torch.inf
    _, best = entropy.topk(round(len(entropy) * top_rate), largest=False)
    bar = flat.kthvalue(round(len(flat) * bar_ratio)).values
    return [sorted(best[probs[best, language] > bar].tolist()) for language in range(probs.shape[1])]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shares", [(0.01, 0.95, 0.95), (0.05, 0.95, 0.95), (0.1, 0.8, 0.9), (0.2, 0.9, 0.7)])
def test_lape_picks_what_the_published_formula_picks(seed: int, shares: tuple[float, float, float]):
    rng = np.random.default_rng(seed)
    rates = rng.random((600, 5)) ** 4  # latents, regions
    latents = [(rng.random((997, 600)) < rates[:, region]).astype(np.float64) for region in range(5)]
    regions = {name: Sides(some, some) for name, some in zip("abcde", latents, strict=True)}
    fired = torch.tensor(np.stack([some.sum(axis=0) for some in latents], axis=1))
    expected = published_lape(fired, 997, *shares)
    found = SELECTORS["lape"](regions, rules(LapeRule(*shares)))
    assert [np.flatnonzero(found[name].selected).tolist() for name in "abcde"] == expected
    assert any(expected)


def test_the_entropy_is_0_for_one_region_and_log_n_for_all():
    found = entropies(np.array([[0.5, 0, 0, 0], [0.2, 0.2, 0.2, 0.2], [0, 0, 0, 0]]))
    np.testing.assert_allclose(found, [0, np.log(4), 0])


def test_mad_is_the_mean_minus_the_mean_of_the_others_and_cas_minus_the_largest_of_them():
    regions = sides([[6, 3, 0, 5], [0, 3, 4, 5], [3, 0, 2, 5]])
    mad, cas = (SELECTORS[name](regions, rules()) for name in ("mad", "cas"))
    np.testing.assert_allclose(mad["a"].score, [4.5, 1.5, -3, 0], atol=1e-6)
    np.testing.assert_allclose(cas["a"].score, [3, 0, -4, 0], atol=1e-6)
    np.testing.assert_allclose(cas["c"].score, [-3, -3, -2, 0], atol=1e-6)
    assert cas["a"].selected.tolist() == [True, False, False, False]
    assert cas["b"].selected.tolist() == [False, False, True, False]
    assert not cas["c"].selected.any(), "a region that is never the strongest has no neurons"


def test_lap_is_how_often_a_latent_fires_and_so_picks_what_all_regions_share():
    cultural = np.zeros((10, 12))
    cultural[:9, 0], cultural[:8, 1] = 0.1, 9
    found = SELECTORS["lap"]({"a": Sides(cultural, cultural), "b": Sides(cultural, cultural)}, rules())
    np.testing.assert_allclose(found["a"].score[:3], [0.9, 0.8, 0])
    assert found["a"].selected[:2].all() and found["b"].selected[:2].all()


def test_wfs_behind_the_interface_is_wfs():
    rng = np.random.default_rng(0)
    regions = {name: Sides(rng.random((30, 50)) ** 8, rng.random((30, 50)) ** 8) for name in "ab"}
    found = SELECTORS["wfs"](regions, rules())
    for name, some in regions.items():
        alone = by_weighted_frequency(some.cultural, some.noun, SETTINGS)
        np.testing.assert_array_equal(found[name].selected, alone.selected)


def test_the_random_selector_takes_as_many_as_wfs_and_others_in_each_region():
    rng = np.random.default_rng(0)
    regions = {name: Sides(rng.random((40, 300)) ** 8, rng.random((40, 300)) ** 8 * 0.01) for name in "ab"}
    wanted = {name: one.selected.sum() for name, one in SELECTORS["wfs"](regions, rules()).items()}
    first, second, third = (SELECTORS["random"](regions, rules(seed=seed)) for seed in (1, 1, 2))
    assert {name: one.selected.sum() for name, one in first.items()} == wanted
    assert all((first[name].selected == second[name].selected).all() for name in "ab")
    assert (first["a"].selected != third["a"].selected).any()
    assert (first["a"].rank != first["b"].rank).any()


@pytest.mark.parametrize("name", ["lape", "mad", "cas", "lap"])
def test_what_compares_regions_refuses_a_single_one(name: str):
    with pytest.raises(SelectionError, match="wfs"):
        SELECTORS[name](sides([[1, 2, 3]]), rules())


@pytest.fixture(scope="module")
def planted():
    """Latents that are planted directions themselves, with their owners; common ones fire in every region."""
    world = planted_world(64, 6, 5, 10, 0, cosine=0.3, noise=0.0, seed=0)
    generator = torch.Generator().manual_seed(0)

    def latents(region: int, cultural: bool):
        allowed = torch.tensor([owner is None or (cultural and owner == region) for owner in world.region_of])
        fires = torch.rand(500, len(world.rates), generator=generator) < world.rates * allowed
        return (fires * (1 + torch.rand(fires.shape, generator=generator))).double().numpy()

    return world, {f"r{i}": Sides(latents(i, True), latents(i, False)) for i in range(6)}


@pytest.mark.parametrize(("name", "wrong", "missed"), [("wfs", 0, 1), ("lape", 0, 1), ("mad", 1, 1), ("cas", 1, 1)])
def test_on_planted_latents_a_selector_finds_the_regions_own(
    planted: tuple[World, dict[str, Sides]], name: str, wrong: int, missed: int
):
    world, regions = planted
    found = SELECTORS[name](
        regions, rules(LapeRule(top=0.75, filter=0.5, bar=0.65), settings=FIFTEEN if name == "wfs" else FIVE)
    )
    for index, code in enumerate(regions):
        own = {i for i, owner in enumerate(world.region_of) if owner == index}
        picked = set(np.flatnonzero(found[code].selected).tolist())
        assert len(picked - own) <= wrong, (code, picked, own)
        assert len(own - picked) <= missed, (code, picked, own)


def test_on_planted_latents_lap_alone_picks_what_every_region_has(planted: tuple[World, dict[str, Sides]]):
    world, regions = planted
    common = {i for i, owner in enumerate(world.region_of) if owner is None}
    shared = {
        name: sum(
            len(common & set(np.flatnonzero(one.selected)))
            for one in SELECTORS[name](regions, rules(settings=FIVE)).values()
        )
        for name in ("lap", "mad", "cas")
    }
    assert shared["lap"] > 6 * 2
    assert max(shared["mad"], shared["cas"]) <= 1
