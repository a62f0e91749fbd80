from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from culturebench.interventions.comparison import UNMASKED, Compared, Judged, Masks, Pick, compare, masked_pictures
from culturebench.measures.paired_test import SignFlip
from culturebench.measures.statistics import Bootstrap
from culturebench.probing.sae import TopKSAE, save
from culturebench.text_to_image.sampling import Shot

REGIONS = ["a", "b", "c"]
PROMPTS = {f"{region}{i}": region for region in REGIONS for i in range(4)}
KEYS = [(prompt, seed) for prompt in PROMPTS for seed in (0, 1)]
GOOD, RANDOM = Pick("good"), Pick("random")
BOOTSTRAP, TEST = Bootstrap(500, 0, 0.95), SignFlip(4096, 0)
#: Share of each target's pictures that lose their culture when `source` is masked, in quarters of its prompts.
LOST = {("a", "a"): 4, ("a", "b"): 1, ("a", "c"): 0, ("b", "b"): 2, ("b", "a"): 0, ("b", "c"): 0, ("c", "c"): 3,
        ("c", "a"): 2, ("c", "b"): 0}  # fmt: skip


def masked(source: str, lost: dict[tuple[str, str], int]):
    """Scores when `source` is masked: the first prompts of each region lose their culture."""
    return {(p, s): float(int(p[1:]) >= lost.get((source, PROMPTS[p]), 0)) for p, s in KEYS}


@pytest.fixture
def found():
    scores = {(GOOD, source): masked(source, LOST) for source in REGIONS}
    scores |= {(RANDOM, source): masked(source, {("b", "b"): 1}) for source in REGIONS}
    return compare(
        Judged(PROMPTS, dict.fromkeys(KEYS, 1.0), scores), REGIONS, BOOTSTRAP, TEST,
        dict.fromkeys((GOOD, RANDOM), 1.0),
    )  # fmt: skip


def test_effects_are_tested_and_corrected_by_prompt_and_by_region(found: Compared):
    good, control = found.selectors["elbow"]["good"], found.selectors["elbow"]["random"]
    assert good["own"]["p_value"] < 0.05 < control["own"]["p_value"] == 1
    assert good["own"]["p_by_region"] == 1  # three regions are too few to tell of others
    for row in (good, control):
        for name in ("own", "cross", "selective"):
            assert row[name]["high"] > row[name]["low"] and row[name]["high_by_region"] > row[name]["low_by_region"]


def test_on_one_other_region_cross_is_that_regions_loss():
    scores = {(GOOD, s): masked(s, LOST) for s in REGIONS}
    seen = {"a": "ab", "b": "bc", "c": "ca"}
    some = {key: {k: v for k, v in one.items() if PROMPTS[k[0]] in seen[key[1]]} for key, one in scores.items()}
    judged = Judged(PROMPTS, dict.fromkeys(KEYS, 1.0), some)
    found = compare(judged, REGIONS, BOOTSTRAP, TEST, {GOOD: 1.0})
    assert found.selectors["elbow"]["good"]["cross"]["value"] == pytest.approx((1 + 0 + 2) / 12)
    assert [(c["source"], c["target"]) for c in found.matrix] == [
        ("a", "a"), ("a", "b"), ("b", "b"), ("b", "c"), ("c", "a"), ("c", "c")
    ]  # fmt: skip


def test_every_cell_is_the_share_of_the_targets_pictures_that_the_mask_takes(found: Compared):
    cells = {(c["source"], c["target"]): c["drop"] for c in found.matrix if c["selector"] == "good"}
    assert cells == {pair: lost / 4 for pair, lost in LOST.items()}


def test_own_is_the_diagonal_and_cross_the_rest(found: Compared):
    good = found.selectors["elbow"]["good"]
    assert good["own"]["value"] == pytest.approx((4 + 2 + 3) / 12)
    assert good["cross"]["value"] == pytest.approx((1 + 0 + 0 + 0 + 2 + 0) / 24)
    assert good["selective"]["value"] == pytest.approx(good["own"]["value"] - good["cross"]["value"])
    assert good["own"]["n_prompts"] == 12 and good["own"]["n_images"] == 24
    assert good["own"]["low"] < good["own"]["value"] < good["own"]["high"]


def test_an_effect_is_set_against_that_of_random_neurons(found: Compared):
    assert found.selectors["elbow"]["random"]["own"]["value"] == pytest.approx(1 / 12)
    assert found.selectors["elbow"]["good"]["beyond_random"]["value"] == pytest.approx(8 / 12)
    assert found.selectors["elbow"]["random"]["beyond_random"] is None
    assert found.unmasked["value"] == 1


def test_a_region_without_neurons_is_left_as_it_is(tmp_path: Path):
    picked = [{"selector": "lape", "sae_seed": 1, "region": "a", "latent": 7, "score": 1.0}]
    masks, lape = Masks(1, {0: tmp_path, 1: tmp_path}, picked), Pick("lape")
    assert masks.intervention(lape, "a", draw=0) is None
    assert masks.intervention(lape, "b", draw=1) is None
    assert masks.neurons(lape, "a", 1) == [7]


def test_of_a_regions_neurons_the_best_by_the_selectors_own_score_are_taken(tmp_path: Path):
    scores = {3: 0.1, 9: 0.7, 5: 0.4, 8: 0.4}
    picked = [
        {"selector": "wfs", "sae_seed": 0, "region": "a", "latent": latent, "score": score}
        for latent, score in scores.items()
    ]
    masks = Masks(1, {0: tmp_path}, picked)
    found = {k: masks.neurons(Pick("wfs", k), "a", 0) for k in (1, 2, 3, 9, None)}
    assert found == {1: [9], 2: [5, 9], 3: [5, 8, 9], 9: [3, 5, 8, 9], None: [3, 5, 8, 9]}


def test_each_number_of_neurons_is_set_against_as_many_random_ones_and_all_are_corrected_together(found: Compared):
    scores = {(Pick(name.selector, k), s): masked(s, lost if k else {}) for k in (None, 2) for s in REGIONS
              for name, lost in ((GOOD, LOST), (RANDOM, {("b", "b"): 1}))}  # fmt: skip
    judged = Judged(PROMPTS, dict.fromkeys(KEYS, 1.0), scores)
    both = compare(judged, REGIONS, BOOTSTRAP, TEST, {pick: 1.0 for pick, _ in scores}).selectors
    assert both["elbow"]["good"]["beyond_random"]["value"] == 0
    assert both["2"]["good"]["beyond_random"]["value"] == pytest.approx(8 / 12)
    alone = found.selectors["elbow"]["good"]["own"]["p_value"]
    assert both["2"]["good"]["own"]["p_value"] == pytest.approx(2 * alone)


class Said:
    """In the place of a sampler: of every shot the bytes say what it was, and its batches are counted."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def pictures(self, batches: Sequence[Sequence[Shot]], label: str) -> Iterator[list[bytes]]:
        for batch in batches:
            self.sizes.append(len(batch))
            yield [said(one.prompt, one.seed, one.intervention and one.intervention.description) for one in batch]


def said(prompt: str, seed: int, done: Any) -> bytes:
    return repr((prompt, seed, done and (done["neurons"], done["sae"]))).encode()


def test_every_picture_is_drawn_under_its_own_mask_in_full_batches_and_once(tmp_path: Path):
    for seed in (0, 1):
        torch.manual_seed(seed)
        save(TopKSAE(4, 16, 2), tmp_path / str(seed))
    picked = [
        {"selector": selector, "sae_seed": seed, "region": region, "latent": latent, "score": 1.0}
        for selector, region, latent in (("wfs", "a", 3), ("wfs", "b", 5), ("cas", "a", 3), ("cas", "c", 6))
        for seed in (0, 1)
    ]
    masks = Masks(1, {seed: tmp_path / str(seed) for seed in (0, 1)}, picked)
    prompts: list[dict[str, Any]] = [
        {"prompt_id": f"{r}0", "region": r, "cultural": {"text": f"bowl of {r}"}} for r in REGIONS
    ]
    sampler = Said()
    made = masked_pictures(
        cast(Any, sampler), prompts, masks, [Pick("wfs"), Pick("cas")], dict.fromkeys(REGIONS, REGIONS), [7, 8, 9], 4
    )

    assert list(made) == [UNMASKED, *((Pick(name), region) for name in ("wfs", "cas") for region in REGIONS)]
    for (pick, source), rows in made.items():
        cases = [(row, seed, draw) for row in prompts for draw, seed in enumerate((7, 8, 9))]
        for row, (prompt, seed, draw) in zip(rows, cases, strict=True):
            done = masks.intervention(pick, source, draw) if source else None
            assert (row["prompt_id"], row["region"], row["seed"]) == (prompt["prompt_id"], prompt["region"], seed)
            assert row["image"] == said(prompt["cultural"]["text"], seed, done and done.description)
    # unmasked, wfs a, wfs b, cas c: cas a is wfs a, and wfs c and cas b have no neurons
    assert sampler.sizes == [4] * (4 * 9 // 4)
