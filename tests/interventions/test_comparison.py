from pathlib import Path
from typing import Any

import pytest

from culturebench.interventions.comparison import Judged, Masks, compare
from culturebench.measures.statistics import Bootstrap

REGIONS = ["a", "b", "c"]
PROMPTS = {f"{region}{i}": region for region in REGIONS for i in range(4)}
KEYS = [(prompt, seed) for prompt in PROMPTS for seed in (0, 1)]
BOOTSTRAP = Bootstrap(500, 0, 0.95)
#: Share of each target's pictures that lose their culture when `source` is masked, in quarters of its prompts.
LOST = {("a", "a"): 4, ("a", "b"): 1, ("a", "c"): 0, ("b", "b"): 2, ("b", "a"): 0, ("b", "c"): 0, ("c", "c"): 3,
        ("c", "a"): 2, ("c", "b"): 0}  # fmt: skip


def masked(source: str, lost: dict[tuple[str, str], int]):
    """Scores when `source` is masked: the first prompts of each region lose their culture."""
    return {(p, s): float(int(p[1:]) >= lost.get((source, PROMPTS[p]), 0)) for p, s in KEYS}


@pytest.fixture
def found():
    scores = {("good", source): masked(source, LOST) for source in REGIONS}
    scores |= {("random", source): masked(source, {("b", "b"): 1}) for source in REGIONS}
    return compare(Judged(PROMPTS, dict.fromkeys(KEYS, 1.0), scores), REGIONS, BOOTSTRAP)


def test_every_cell_is_the_share_of_the_targets_pictures_that_the_mask_takes(found: dict[str, Any]):
    cells = {(c["source"], c["target"]): c["drop"] for c in found["matrix"] if c["selector"] == "good"}
    assert cells == {pair: lost / 4 for pair, lost in LOST.items()}


def test_own_is_the_diagonal_and_cross_the_rest(found: dict[str, Any]):
    good = found["selectors"]["good"]
    assert good["own"]["value"] == pytest.approx((4 + 2 + 3) / 12)
    assert good["cross"]["value"] == pytest.approx((1 + 0 + 0 + 0 + 2 + 0) / 24)
    assert good["selective"]["value"] == pytest.approx(good["own"]["value"] - good["cross"]["value"])
    assert good["own"]["n_prompts"] == 12 and good["own"]["n_images"] == 24
    assert good["own"]["low"] < good["own"]["value"] < good["own"]["high"]


def test_an_effect_is_set_against_that_of_random_neurons(found: dict[str, Any]):
    assert found["selectors"]["random"]["own"]["value"] == pytest.approx(1 / 12)
    assert found["selectors"]["good"]["beyond_random"]["value"] == pytest.approx(8 / 12)
    assert found["selectors"]["random"]["beyond_random"]["value"] == 0
    assert found["unmasked"]["value"] == 1


def test_a_region_without_neurons_is_left_as_it_is(tmp_path: Path):
    picked = [{"selector": "lape", "sae_seed": 1, "region": "a", "latent": 7, "score": 1.0}]
    masks = Masks(1, {0: tmp_path, 1: tmp_path}, picked)
    assert masks.intervention("lape", "a", draw=0) is None
    assert masks.intervention("lape", "b", draw=1) is None
    assert masks.neurons("lape", "a", 1) == [7]
