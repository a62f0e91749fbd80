from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy.optimize import minimize
from torch import Tensor

from culturebench.probing.features import FeatureBatch, token_features
from culturebench.probing.initialise import Batches, geometric_median
from culturebench.probing.sae import TopKSAE, save
from culturebench.probing.sparse import sparse_pass
from culturebench.probing.train_sae import SaeTraining, train
from culturebench.probing.training_state import Checkpoint
from culturebench.store import Store
from culturebench.text_to_image.base import Tokens

SETTINGS = SaeTraining(
    latents=48, k=3, steps=40, batch=64, learning_rate=4e-3, aux_coefficient=1 / 32, aux_k=4, dead_after=5, log_every=7
)


def features(count: int = 300, d: int = 8):
    generator = torch.Generator().manual_seed(1)
    basis = torch.randn(12, d, generator=generator)
    return 2 + (torch.rand(count, 12, generator=generator) < 0.2).float() @ basis


def gradient_of(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


class Stopped(Exception):
    """The run ended here, as by a signal."""


def stop_before(step: int):
    def watch(steps: Any):
        for current in steps:
            if current == step:
                raise Stopped
            yield current

    return watch


@pytest.mark.parametrize("k", [1, 3, 24])
def test_the_sparse_pass_has_the_reconstruction_and_gradients_of_the_dense_one(k: int):
    torch.manual_seed(0)
    sae = TopKSAE(8, 24, k).double()
    for parameter in sae.parameters():
        torch.nn.init.normal_(parameter)
    data, wanted = torch.randn(2, 50, 8, dtype=torch.float64)
    gradients = []
    for reconstruct in (sae, lambda some: sparse_pass(sae, some).reconstruction):
        sae.zero_grad()
        loss = (reconstruct(data) - wanted).pow(3).sum()
        loss.backward()
        gradients.append([loss.detach(), *(gradient_of(parameter).clone() for parameter in sae.parameters())])
    for dense, sparse in zip(*gradients, strict=True):
        torch.testing.assert_close(sparse, dense)


def test_a_latent_that_never_fires_gets_no_gradient():
    sae = TopKSAE(4, 6, 6)
    torch.nn.init.normal_(sae.encoder)
    torch.nn.init.normal_(sae.decoder)
    sae.encoder_bias.data[2] = -1e3
    sparse_pass(sae, torch.randn(20, 4)).reconstruction.sum().backward()
    assert not gradient_of(sae.encoder)[2].any() and not gradient_of(sae.decoder)[2].any()
    assert gradient_of(sae.encoder)[0].any()


@pytest.mark.parametrize("step", [1, 9, 10, 11, 39])
def test_a_run_stopped_at_any_step_goes_on_to_the_same_bytes(tmp_path: Path, step: int):
    data = features()
    whole = train(data, SETTINGS, 3)
    checkpoint = Checkpoint(Store(str(tmp_path / "store")), {"a": 1}, every=5)
    with pytest.raises(Stopped):
        train(data, SETTINGS, 3, watch=stop_before(step), checkpoint=checkpoint)
    left = []

    def watch(steps: Any):
        left.extend(steps)
        return steps

    again = train(data, SETTINGS, 3, watch=watch, checkpoint=checkpoint)
    assert left[0] == step // 5 * 5
    assert again.history == whole.history
    for name, trained in [("whole", whole), ("again", again)]:
        save(trained.sae, tmp_path / name)
    assert (tmp_path / "whole/sae.safetensors").read_bytes() == (tmp_path / "again/sae.safetensors").read_bytes()
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()], "a finished run keeps nothing"


def test_the_history_says_how_training_went():
    history = train(features(), SETTINGS, 0).history
    assert [point["step"] for point in history] == [1, 8, 15, 22, 29, 36, 40]
    assert history[-1]["fvu"] < history[0]["fvu"]
    assert all(0 < point["l0"] <= SETTINGS.k and 0 <= point["dead"] < 1 for point in history)
    assert history[0]["dead"] == 0  # none can have been silent for long enough
    without = replace(SETTINGS, aux_coefficient=0.0, k=1)
    assert max(point["dead"] for point in train(features(), without, 0).history) > 0.1


def batches_of(rows: Tensor):
    """Batches of two prompts, of which the second has one token less."""
    for start in range(0, len(rows) - 2, 3):
        real = torch.tensor([[True, True], [True, False]])
        padded = torch.zeros(2, 2, rows.shape[1])
        padded[real] = rows[start : start + 3]
        yield FeatureBatch(0, Tokens(real.long(), real, ~real, []), padded)


def test_activations_beyond_the_budget_lie_in_a_file_and_train_to_the_same_weights(tmp_path: Path):
    rows = features()
    held = token_features(batches_of(rows), budget=10**6, folder=tmp_path)
    assert not list(tmp_path.iterdir())
    mapped = token_features(batches_of(rows), budget=2000, folder=tmp_path)
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [rows.nbytes]
    torch.testing.assert_close(mapped, rows, rtol=0, atol=0)
    torch.testing.assert_close(held, rows, rtol=0, atol=0)
    first, second = (train(some, SETTINGS, 0).sae.state_dict() for some in (held, mapped))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_geometric_median_is_the_point_with_the_least_mean_distance():
    data = features(count=61, d=3) + torch.randn(61, 3, generator=torch.Generator().manual_seed(0))
    data[0] = 1e3

    def distance(point: Any):
        return (data.double() - torch.as_tensor(point)).norm(dim=1).mean().item()

    best = minimize(distance, data.median(dim=0).values.double(), method="Nelder-Mead", options={"xatol": 1e-8})
    assert distance(geometric_median(data)) == pytest.approx(best.fun, rel=1e-6)
    far = train(data, replace(SETTINGS, steps=1, centre="mean"), 0).sae.decoder_bias
    near = train(data, replace(SETTINGS, steps=1, centre="geometric_median"), 0).sae.decoder_bias
    assert float(near.norm()) < 20 < float(far.norm())


def test_every_vector_is_seen_once_an_epoch_whatever_step_training_starts_at():
    batches = Batches(10, 4, seed=5)
    epoch = torch.cat([batches.indices(step) for step in (2, 3)])
    assert len(set(epoch.tolist())) == 8
    torch.testing.assert_close(Batches(10, 4, seed=5).indices(3), epoch[4:])
    assert not torch.equal(batches.indices(0), batches.indices(2))
