from typing import Any

import pytest
import torch

from culturebench.interventions.edits import EditError, Measured, activate, along, amplify, mask, norm_matched, steer
from culturebench.interventions.neurons import NeuronsError, NeuronTable
from culturebench.probing.sae import SaeError, TopKSAE
from small_encoder import SmallEncoder

TEXTS = ["a seigaiha vase on a table", "vase", "a door near the old house"]
NEURONS = [1, 5, 9]


@pytest.fixture
def sae():
    generator = torch.Generator().manual_seed(0)
    made = TopKSAE(16, 64, 4)
    with torch.no_grad():
        made.encoder.copy_(torch.randn(64, 16, generator=generator))
        made.decoder.copy_(torch.nn.functional.normalize(torch.randn(64, 16, generator=generator), dim=1))
        made.decoder_bias.copy_(torch.randn(16, generator=generator) * 0.1)
    return made.requires_grad_(False)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    real = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    return torch.randn(2, 5, 16, generator=generator), real


def states(encoder: Any, layer: Any = None, edit: Any = None):
    tokens = encoder.tokenize(TEXTS)
    if edit is None:
        return encoder.run(tokens)["states"]
    with encoder.edited(layer, edit):
        return encoder.run(tokens)["states"]


def test_amplifying_by_0_changes_no_bit_of_the_conditioning(sae: TopKSAE):
    encoder = SmallEncoder()
    assert torch.equal(states(encoder), states(encoder, 1, amplify(sae, NEURONS, 0.0)))
    assert not torch.equal(states(encoder), states(encoder, 1, amplify(sae, NEURONS, 3.0)))


def test_activating_at_0_changes_no_bit_of_the_conditioning(sae: TopKSAE):
    encoder = SmallEncoder()
    levels = [1.0, 2.0, 3.0]
    assert torch.equal(states(encoder), states(encoder, 1, activate(sae, NEURONS, levels, 0.0)))
    assert not torch.equal(states(encoder), states(encoder, 1, activate(sae, NEURONS, levels, 0.5)))


def test_steering_adds_a_multiple_of_the_direction_to_real_tokens_alone(batch: Any):
    features, real = batch
    direction = torch.arange(16.0)
    moved = steer(direction.tolist(), 1.5)(features, real) - features
    assert torch.equal(moved[~real], torch.zeros_like(moved[~real]))
    torch.testing.assert_close(moved[real], (1.5 * direction).expand(int(real.sum()), 16))
    assert steer(direction.tolist(), 0.0)(features, real) is features


def test_amplify_adds_the_difference_of_two_decodings_without_top_k(sae: TopKSAE, batch: Any):
    features, real = batch
    latents = sae.pre(features)
    enhanced = latents.clone()
    enhanced[..., NEURONS] *= 1 + 6.0
    expected = features + sae.decode(enhanced) - sae.decode(latents)
    torch.testing.assert_close(amplify(sae, NEURONS, 6.0)(features, real)[real], expected[real], atol=1e-5, rtol=1e-5)


def test_mask_and_activate_set_the_latents(sae: TopKSAE, batch: Any):
    features, real = batch
    latents = sae.pre(features)
    for edit, value in [
        (mask(sae, NEURONS), torch.zeros(3)),
        (activate(sae, NEURONS, [1.0, 2.0, 0.5], 2.0), torch.tensor([2.0, 4.0, 1.0])),
    ]:
        wanted = latents.clone()
        wanted[..., NEURONS] = value
        expected = features + sae.decode(wanted) - sae.decode(latents)
        torch.testing.assert_close(edit(features, real)[real], expected[real], atol=1e-5, rtol=1e-5)


def test_edits_touch_no_padding(sae: TopKSAE, batch: Any):
    features, real = batch
    random = norm_matched(amplify(sae, [2, 3, 4], 3.0), amplify(sae, NEURONS, 3.0))
    for edit in (amplify(sae, NEURONS, 3.0), activate(sae, NEURONS, [1.0] * 3, 1.0), mask(sae, NEURONS), random):
        edited = edit(features, real)
        assert torch.equal(edited[~real], features[~real])
        assert not torch.equal(edited[real], features[real])


def test_an_edit_of_no_neurons_changes_nothing(sae: TopKSAE, batch: Any):
    assert torch.equal(mask(sae, [])(*batch), batch[0])


def test_half_precision_features_stay_half_precision(sae: TopKSAE, batch: Any):
    features, real = batch
    assert amplify(sae, NEURONS, 2.0)(features.half(), real).dtype == torch.float16


def test_a_rescaled_edit_and_a_direction_are_as_large_as_the_edit_at_every_token_whatever_the_batch(
    sae: TopKSAE, batch: Any
):
    features, real = batch
    edit = activate(sae, NEURONS, [1.0, 2.0, 0.5], 1.0)
    direction = torch.nn.functional.normalize(torch.ones(16), dim=0)
    wanted = edit(features, real) - features
    for control in (norm_matched(activate(sae, [20, 21, 22], [0.1] * 3, 1.0), edit), along(direction, edit)):
        changed = control(features, real) - features
        torch.testing.assert_close(changed.norm(dim=-1)[real], wanted.norm(dim=-1)[real], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(control(features[:1], real[:1]), control(features, real)[:1])
        assert torch.equal(control(features, real)[~real], features[~real])


def test_a_silent_edit_cannot_be_rescaled_and_changes_nothing(sae: TopKSAE, batch: Any):
    features, real = batch
    silent = norm_matched(amplify(sae, [20], 0.0), amplify(sae, NEURONS, 3.0))
    assert torch.equal(silent(features, real), features)


def test_the_size_of_an_edit_is_its_mean_share_of_the_norm_of_real_tokens(batch: Any):
    features, real = batch
    measured = Measured(lambda some, real: torch.where(real[..., None], 1.25 * some, 9.0 * some))
    measured(features, real)
    assert measured.size == pytest.approx(0.25)


def test_wrong_neurons_or_levels_are_refused(sae: TopKSAE):
    with pytest.raises(SaeError, match="0 to 63"):
        amplify(sae, [64], 1.0)
    with pytest.raises(EditError, match="3 neurons"):
        activate(sae, NEURONS, [1.0], 1.0)


def table(regions: Any = ("jp", "nl"), latents: Any = 60):
    """Latents 0..2 are jp's and 3..5 nl's."""
    owners = {0: "jp", 1: "jp", 2: "jp", 3: "nl", 4: "nl", 5: "nl"}
    return [
        {
            "sae_seed": seed, "region": region, "latent": latent, "frequency": 0.5, "frequency_noun": 0.0,
            "mean": float(latent), "score_noun": 0.0, "candidate": False, "selected": owners.get(latent) == region,
        }
        for seed in (0, 1)
        for region in regions
        for latent in reversed(range(latents))
    ]  # fmt: skip


def test_a_regions_neurons_come_with_their_levels():
    found = NeuronTable(table()).neurons("nl", 0)
    assert found.indices == [3, 4, 5]
    assert found.levels == [3.0, 4.0, 5.0]


def test_a_region_or_seed_without_scores_or_neurons_is_named():
    with pytest.raises(NeuronsError, match=r"jp, nl and \[0, 1\]"):
        NeuronTable(table()).neurons("xx", 0)
    with pytest.raises(NeuronsError, match="no culture neurons"):
        NeuronTable([{**row, "selected": False} for row in table()]).neurons("jp", 0)
