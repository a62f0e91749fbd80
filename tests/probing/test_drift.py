"""Two revisions of an encoder are compared by the directions of their neurons, not by their numbers."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from culturebench.artifacts import layer_probe, neurons, sae
from culturebench.probing import drift, sae as probing_sae

D, LATENTS, SEEDS = 48, 96, (0, 1)
REGIONS = {"jp": range(0, 12), "nl": range(12, 20)}


def directions(seed: int, count: int = LATENTS) -> drift.Directions:
    found = np.random.default_rng(seed).normal(size=(count, D)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def noisy(found: drift.Directions, seed: int, size: float) -> drift.Directions:
    """About the same directions: their cosine with the old ones is 1 / sqrt(1 + size²)."""
    return found + size * directions(seed, len(found))


def planted(folder: Path, decoders: dict[int, drift.Directions], order: np.ndarray | None = None) -> drift.Probed:
    """An encoder's files on disk; `order` renumbers every autoencoder's latents."""
    order = np.arange(LATENTS) if order is None else order
    place = np.argsort(order)
    rows: list[dict[str, Any]] = []
    for seed, decoder in decoders.items():
        model = probing_sae.TopKSAE(D, LATENTS, 4)
        model.decoder.data = torch.from_numpy(decoder[order])
        probing_sae.save(model, sae.seed_folder(folder / "sae", seed))
        for region, selected in REGIONS.items():
            chosen = {int(place[latent]) for latent in selected}
            for latent in range(LATENTS):
                numbers = dict.fromkeys(("score", "score_noun", "frequency", "frequency_noun", "mean"), 0.0)
                own = latent in chosen
                rows.append({"sae_seed": seed, "region": region, "latent": latent, **numbers, "rank": latent,
                             "candidate": own, "selected": own})  # fmt: skip
    neurons.TABLE.save(folder / "neurons.parquet", rows)
    layer_probe.save_layer(folder / "layer.json", {**dict.fromkeys(layer_probe.LAYER_KEYS), "layer": 3})
    return drift.read(folder / "layer.json", folder / "sae", folder / "neurons.parquet")


@pytest.fixture
def decoders() -> dict[int, drift.Directions]:
    """Two seeds that found about half of their latents in common."""
    first, second = directions(0), directions(1)
    second[::2] = noisy(first[::2], 2, 0.3)
    return {0: first, 1: second}


def test_a_revision_with_the_same_weights_has_the_same_neurons_and_layer(
    tmp_path: Path, decoders: dict[int, drift.Directions]
) -> None:
    before, after = planted(tmp_path / "a", decoders), planted(tmp_path / "b", decoders)
    assert (before.layer, after.layer) == (3, 3)
    found = {entry.region: entry for entry in drift.compare(before, after)}
    assert {region: entry.overlap for region, entry in found.items()} == {"jp": 1.0, "nl": 1.0}
    # Six of twelve in common, and four of eight.
    assert found["jp"].floor == pytest.approx(6 / 18)
    assert found["nl"].floor == pytest.approx(4 / 12)
    assert not any(entry.moved for entry in found.values())


def test_what_number_a_latent_bears_makes_no_difference(tmp_path: Path, decoders: dict[int, drift.Directions]) -> None:
    order = np.random.default_rng(5).permutation(LATENTS)
    before, after = planted(tmp_path / "a", decoders), planted(tmp_path / "b", decoders, order)
    assert [entry.overlap for entry in drift.compare(before, after)] == [1.0, 1.0]


def test_other_directions_are_other_neurons_and_fall_below_the_floor(
    tmp_path: Path, decoders: dict[int, drift.Directions]
) -> None:
    before = planted(tmp_path / "a", decoders)
    after = planted(tmp_path / "b", {seed: directions(10 + seed) for seed in SEEDS})
    found = drift.compare(before, after)
    assert all(entry.overlap is not None and entry.overlap < 0.1 for entry in found)
    assert all(entry.moved for entry in found)


def test_replacing_a_share_of_the_directions_lowers_the_overlap_by_as_much(
    tmp_path: Path, decoders: dict[int, drift.Directions]
) -> None:
    revised = {seed: decoder.copy() for seed, decoder in decoders.items()}
    for seed, decoder in revised.items():
        decoder[:3] = directions(20 + seed, 3)
    before, after = planted(tmp_path / "a", decoders), planted(tmp_path / "b", revised)
    found = {entry.region: entry.overlap for entry in drift.compare(before, after)}
    assert found["jp"] == pytest.approx(9 / 15)
    assert found["nl"] == 1.0


def test_each_neuron_is_matched_once() -> None:
    one = directions(0, 1)
    assert drift.overlap(np.repeat(one, 3, axis=0), one) == pytest.approx(1 / 3)
    # A greedy choice of the nearest would leave one of these without a partner.
    x, y = np.eye(D, dtype=np.float32)[:2]
    between = (x + y) / np.sqrt(np.float32(2))
    assert drift.overlap(np.stack([between, x]), np.stack([x, (x + 0.2 * between)])) == 1.0
    assert drift.overlap(np.stack([x, y]), np.stack([between, y])) == 1.0


def test_revisions_of_another_width_and_empty_selections_cannot_be_compared() -> None:
    assert drift.overlap(directions(0), directions(0)[:, :-1]) is None
    empty = directions(0, 0)
    assert drift.overlap(empty, empty) is None
    assert drift.overlap(empty, directions(0)) == 0.0


def test_neurons_of_other_autoencoders_are_refused(tmp_path: Path, decoders: dict[int, drift.Directions]) -> None:
    planted(tmp_path, decoders)
    sae.seed_folder(tmp_path / "sae", 1).rename(tmp_path / "sae/seed7")
    with pytest.raises(drift.DriftError, match="dvc repro select_neurons"):
        drift.read(tmp_path / "layer.json", tmp_path / "sae", tmp_path / "neurons.parquet")


def row(value: float, low: float | None, high: float | None, **other: str) -> dict[str, Any]:
    names = {
        "model": "atlas", "prompts": "test", "condition": "noun", "against": "", "judge": "pooled", "region": "all",
        "measure": "culture_vqa",
    }  # fmt: skip
    return {**names, "value": value, "low": low, "high": high, **other}


def test_the_interval_of_a_change_is_that_of_two_independent_values() -> None:
    rows = [row(0.5, 0.4, 0.6), row(0.1, 0.0, 0.2, region="jp"), row(0.3, None, None, condition="cultural")]
    (change,) = drift.changes(rows, [row(0.3, 0.26, 0.33), row(0.3, 0.2, 0.4, condition="cultural")])
    assert (change.model, change.condition, change.before, change.after) == ("atlas", "noun", 0.5, 0.3)
    assert change.low == pytest.approx(-0.2 - np.hypot(0.04, 0.1))
    assert change.high == pytest.approx(-0.2 + np.hypot(0.03, 0.1))


def test_intervals_cover_a_true_change_as_often_as_they_say() -> None:
    """Planted shares, Wald intervals of 95 %: joined, they cover the difference in about 95 of 100 draws."""
    rng = np.random.default_rng(0)
    covered = 0
    for first, second in zip(rng.binomial(400, 0.5, 2000) / 400, rng.binomial(400, 0.3, 2000) / 400, strict=True):
        rows = [
            [row(share, share - half, share + half)]
            for share in (first, second)
            if (half := 1.96 * np.sqrt(share * (1 - share) / 400))
        ]
        (change,) = drift.changes(*rows)
        covered += change.low <= -0.2 <= change.high
    assert 0.93 < covered / 2000 < 0.97


def test_the_floor_is_the_mean_over_all_pairs_of_seeds(tmp_path: Path, decoders: dict[int, drift.Directions]) -> None:
    probed = planted(tmp_path, {**decoders, 2: directions(2)})
    sets = list(probed.neurons["jp"].values())
    pairs = [drift.overlap(one, other) for one, other in combinations(sets, 2)]
    assert len(pairs) == 3
    (floor,) = [entry.floor for entry in drift.compare(probed, probed) if entry.region == "jp"]
    assert floor == pytest.approx(np.mean([value for value in pairs if value is not None]))
