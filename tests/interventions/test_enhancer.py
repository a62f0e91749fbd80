import pytest
import torch

from culturebench.interventions.enhancer import Enhancer, EnhancerError, load, save
from small_encoder import SmallEncoder


def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 4, 16, generator=generator), torch.tensor([[True] * 4, [True, True, False, False]])


def test_a_new_enhancer_is_the_identity_bit_for_bit():
    features, real = batch()
    enhancer = Enhancer(16, 8)
    assert torch.equal(enhancer.as_edit()(features, real), features)
    encoder = SmallEncoder()
    tokens = encoder.tokenize(["a vase", "a vase on a table"])
    before = encoder.run(tokens)["states"]
    with encoder.edited(1, enhancer.as_edit()):
        after = encoder.run(tokens)["states"]
    assert torch.equal(before, after)


def test_the_gain_learns_first_and_then_the_weights_do():
    features, real = batch()
    enhancer = Enhancer(16, 8)
    enhancer.as_edit()(features, real).pow(2).sum().backward()
    assert float(enhancer.gain.grad.abs().sum()) > 0
    assert float(enhancer.w1.grad.abs().sum()) == 0
    enhancer.zero_grad()
    with torch.no_grad():
        enhancer.gain.fill_(0.1)
    enhancer.as_edit()(features, real).pow(2).sum().backward()
    assert float(enhancer.w1.grad.abs().sum()) > 0


def test_a_gain_of_1_adds_a_residual_of_the_unit_and_leaves_padding_alone():
    features, real = batch()
    enhancer = Enhancer(16, 8, unit=0.3)
    with torch.no_grad():
        enhancer.gain.fill_(1.0)
        edited = enhancer.as_edit()(features, real)
    size = (edited - features)[real].pow(2).mean(dim=-1).sqrt()
    torch.testing.assert_close(size, torch.full_like(size, 0.3), atol=1e-4, rtol=1e-3)
    assert torch.equal(edited[~real], features[~real])


def test_a_seed_fixes_the_start_and_a_saved_enhancer_comes_back(tmp_path):
    first, second = Enhancer(16, 8, unit=2.0, seed=3), Enhancer(16, 8, unit=2.0, seed=3)
    save(first, tmp_path / "a", layer=2)
    save(second, tmp_path / "b", layer=2)
    for name in ("enhancer.safetensors", "config.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    loaded, layer = load(tmp_path / "a")
    assert layer == 2
    assert torch.equal(loaded.w1, first.w1)
    assert float(loaded.unit) == 2.0


def test_a_damaged_enhancer_names_the_stage(tmp_path):
    save(Enhancer(16, 8), tmp_path, layer=2)
    weights = tmp_path / "enhancer.safetensors"
    weights.write_bytes(weights.read_bytes()[:50])
    with pytest.raises(EnhancerError, match="train_enhancer"):
        load(tmp_path)
