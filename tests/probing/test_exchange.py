"""Autoencoders in the tools that others use, read by these tools themselves."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from culturebench.probing.sae import TopKSAE, load, save
from culturebench.probing.saelens import export
from culturebench.probing.train_sae import SaeTraining, train


@pytest.fixture(scope="module")
def sae():
    torch.manual_seed(0)
    settings = SaeTraining(32, 4, 30, 64, 4e-3, 1 / 32, 4, 10)
    return train(3 + torch.randn(200, 8) @ torch.randn(8, 8), settings, 0).sae


@pytest.fixture(scope="module")
def some():
    return 3 + 2 * torch.randn(50, 8)


def test_sparsify_reads_our_files_and_gives_the_same_latents_and_reconstruction(
    sae: TopKSAE, some: Tensor, tmp_path: Path
):
    from sparsify import SparseCoder

    save(sae, tmp_path)
    theirs = SparseCoder.load_from_disk(tmp_path)
    with torch.no_grad():
        torch.testing.assert_close(theirs(some).sae_out, sae(some))
        found = theirs.encode(some)
    latents = torch.zeros(50, 32).scatter(1, found.top_indices, found.top_acts)
    torch.testing.assert_close(latents, sae.encode(some))


def test_what_sparsify_writes_is_read_by_us(sae: TopKSAE, some: Tensor, tmp_path: Path):
    from sparsify import SparseCoder

    save(sae, tmp_path / "ours")
    SparseCoder.load_from_disk(tmp_path / "ours").save_to_disk(tmp_path / "theirs")
    torch.testing.assert_close(load(tmp_path / "theirs")(some), sae(some))


def test_saelens_reads_our_export_and_gives_the_same_latents_and_reconstruction(
    sae: TopKSAE, some: Tensor, tmp_path: Path
):
    saelens = pytest.importorskip("sae_lens", reason="pip install 'culturebench[saelens]'")
    export(sae, tmp_path, "atlas", 2)
    theirs = saelens.SAE.load_from_disk(tmp_path)
    with torch.no_grad():
        torch.testing.assert_close(theirs.encode(some), sae.encode(some))
        torch.testing.assert_close(theirs(some), sae(some))
    assert theirs.cfg.metadata.hook_name == "layers.2.attention_output"


def test_the_export_names_what_saelens_asks_for(sae: TopKSAE, tmp_path: Path):
    export(sae, tmp_path, "atlas", 2)
    config = json.loads((tmp_path / "cfg.json").read_text())
    assert (config["architecture"], config["d_in"], config["d_sae"], config["k"]) == ("topk", 8, 32, 4)
