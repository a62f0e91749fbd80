import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from culturebench.probing.initialise import initial_sae, moments
from culturebench.probing.sae import SaeError, TopKSAE, as_neurons, keep_largest, load, save
from culturebench.probing.train_sae import SaeTraining, quality, train

SETTINGS = SaeTraining(
    latents=32, k=4, steps=150, batch=64, learning_rate=4e-3, aux_coefficient=1 / 32, aux_k=4, dead_after=20
)


def features(count: int = 512, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    basis = torch.randn(12, 8, generator=generator)
    fires = torch.rand(count, 12, generator=generator) < 0.2
    return 5 + (fires * torch.rand(count, 12, generator=generator)) @ basis


def start(data: Tensor, settings: SaeTraining = SETTINGS, seed: int = 0):
    return initial_sae(data, settings, moments(data), seed)


def trained(data: Tensor, settings: SaeTraining = SETTINGS, seed: int = 0):
    return train(data, settings, seed).sae


def test_training_starts_at_the_mean_with_the_decoders_transpose_and_mean_norm_root_d():
    data = features()
    sae, scale = start(data), moments(data).scale
    torch.testing.assert_close(sae.encoder, sae.decoder)
    torch.testing.assert_close(sae.decoder.norm(dim=1), torch.ones(32))
    torch.testing.assert_close(sae.decoder_bias, (data * scale).mean(dim=0))
    assert float((data * scale).norm(dim=1).mean()) == pytest.approx(8**0.5, rel=1e-5)
    scaled = data * scale
    assert moments(data).variance == pytest.approx(float((scaled - scaled.mean(dim=0)).pow(2).sum(dim=1).mean()))


def test_training_explains_the_features_and_keeps_decoder_rows_at_unit_norm():
    data = features()
    sae = trained(data)
    found = quality(sae, features(seed=0))
    assert found.fvu < quality(trained(data, replace(SETTINGS, steps=1)), data).fvu / 3
    assert 0 < found.l0 <= 4
    torch.testing.assert_close(sae.decoder.norm(dim=1), torch.ones(32))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path):
    for name, seed in [("a", 0), ("b", 0), ("c", 1)]:
        save(trained(features(), seed=seed), tmp_path / name)
    weights = {name: (tmp_path / name / "sae.safetensors").read_bytes() for name in "abc"}
    assert weights["a"] == weights["b"] != weights["c"]


def test_only_auxk_teaches_a_latent_that_does_not_fire():
    data = features()
    moved = {}
    for coefficient in (0.0, 1 / 32):
        settings = SaeTraining(
            latents=64, k=1, steps=8, batch=512, learning_rate=1e-3, aux_coefficient=coefficient, aux_k=4, dead_after=1
        )
        course = [trained(data, replace(settings, steps=steps)) for steps in range(settings.steps + 1)]
        never = ~torch.stack([(sae.encode(data) > 0).any(dim=0) for sae in course]).any(dim=0)
        assert bool(never.any())
        before, after = course[0], course[-1]
        moved[coefficient] = float((after.encoder - before.encoder)[never].abs().max())
    assert moved[0.0] == 0
    assert moved[1 / 32] > 1e-3


def test_top_k_keeps_the_largest_and_pre_keeps_all():
    latents = torch.tensor([[0.1, 3.0, 0.0, 2.0]])
    assert keep_largest(latents, 2).tolist() == [[0.0, 3.0, 0.0, 2.0]]
    sae = trained(features())
    data = features(16)
    assert int((sae.encode(data) > 0).sum(dim=1).max()) <= 4
    assert (sae.pre(data) >= sae.encode(data)).all()
    assert int((sae.pre(data) > 0).sum()) > int((sae.encode(data) > 0).sum())
    some = torch.tensor([3, 1])
    torch.testing.assert_close(sae.pre(data, some), sae.pre(data)[:, some])


def test_what_was_saved_is_loaded_again(tmp_path: Path):
    sae = trained(features())
    save(sae, tmp_path)
    loaded = load(tmp_path)
    data = features(8)
    torch.testing.assert_close(loaded(data), sae(data), rtol=0, atol=0)
    assert not any(p.requires_grad for p in loaded.parameters())


@pytest.mark.parametrize("damage", ["missing", "truncated", "other_shape", "no_config"])
def test_a_damaged_file_gives_one_error_that_names_the_stage(tmp_path: Path, damage: str):
    save(TopKSAE(8, 32, 4), tmp_path)
    weights, config = tmp_path / "sae.safetensors", tmp_path / "cfg.json"
    if damage == "missing":
        weights.unlink()
    elif damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:100])
    elif damage == "other_shape":
        config.write_text(json.dumps({"d_in": 8, "num_latents": 16, "k": 4}))
    else:
        config.write_text("{}")
    with pytest.raises(SaeError, match="train_sae"):
        load(tmp_path)


@pytest.mark.parametrize(
    "data", [torch.zeros(10, 4), torch.ones(10, 4), torch.zeros(0, 4), torch.full((3, 4), torch.nan)]
)
def test_features_that_cannot_be_learnt_from_are_refused(data: Tensor):
    with pytest.raises(SaeError):
        train(data, SETTINGS, 0)


def test_k_and_latent_indices_must_exist():
    with pytest.raises(SaeError, match="between 1"):
        TopKSAE(8, 32, 33)
    with pytest.raises(SaeError, match="0 to 31"):
        as_neurons(TopKSAE(8, 32, 4), [0, 32])
