"""Weights of the real classes, random and tiny: what loads them cannot tell them from trained ones."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import XLMRobertaConfig

from culturebench.atlas.alignment import DualEncoder
from culturebench.atlas.judges import ARCHITECTURES, REGION_CLASSES
from culturebench.probing import sae as saes
from culturebench.probing.sae import TopKSAE
from culturebench.text_to_image.encoders.atlas import AtlasTextEncoder

WIDTH = 16
SIDE = 16  # pixels
SCHEDULER = {
    "num_train_timesteps": 1000,
    "beta_schedule": "squaredcos_cap_v2",
    "prediction_type": "v_prediction",
    "timestep_spacing": "trailing",
    "solver_order": 2,
}


def write_weights(folder: Path, words: list[str]) -> dict[str, Path]:
    """Pin name -> folder with the weights of an encoder, a backbone, a judge and a dual encoder."""
    torch.manual_seed(0)
    folders = {name: folder / name for name in ("encoder", "backbone", "judge", "alignment")}
    for path in folders.values():
        path.mkdir(parents=True)
    tokenizer = _tokenizer(words)
    _write_encoder(folders["encoder"], tokenizer)
    _write_backbone(folders["backbone"])
    _write_judge(folders["judge"])
    _write_alignment(folders["alignment"], tokenizer)
    return folders


def write_sae(folder: Path, seed: int, latents: int = 32) -> None:
    """A random autoencoder of the tiny encoder's features, with latents that fire about half the time."""
    generator = torch.Generator().manual_seed(seed)
    sae = TopKSAE(WIDTH, latents, k=4)
    for weights in (sae.encoder, sae.decoder):
        weights.data = torch.randn(weights.shape, generator=generator)
    saes.save(sae, folder)


def _tokenizer(words: list[str]) -> Tokenizer:
    vocabulary = {word: index for index, word in enumerate(["<s>", "<pad>", "</s>", "<unk>", *sorted(set(words))])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def _write_encoder(folder: Path, tokenizer: Tokenizer) -> None:
    config = XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=WIDTH, num_hidden_layers=4, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=70, pad_token_id=1, bos_token_id=0, eos_token_id=2,
        type_vocab_size=1, initializer_range=0.5,  # large, so that an edit shows in eight bits a pixel
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    AtlasTextEncoder(config, tokenizer).save(folder)


def _write_backbone(folder: Path) -> None:
    blocks = (8, 16)
    vae = AutoencoderKL(
        block_out_channels=blocks, latent_channels=2, norm_num_groups=4, sample_size=SIDE, layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    )  # fmt: skip
    unet = UNet2DConditionModel(
        sample_size=SIDE // 4, in_channels=8, out_channels=8, block_out_channels=blocks, layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D",) * 2, up_block_types=("CrossAttnUpBlock2D",) * 2,
        cross_attention_dim=WIDTH, attention_head_dim=4, norm_num_groups=4,
    )  # fmt: skip
    vae.save_pretrained(folder / "vae")
    unet.save_pretrained(folder / "unet")
    (folder / "scheduler").mkdir()
    (folder / "scheduler/scheduler_config.json").write_text(json.dumps(SCHEDULER))


def _write_judge(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"architecture": "convolutional", "classes": REGION_CLASSES}))
    save_file(ARCHITECTURES["convolutional"]().state_dict(), folder / "model.safetensors")


def _write_alignment(folder: Path, tokenizer: Tokenizer) -> None:
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"vocabulary": tokenizer.get_vocab_size()}))
    save_file(DualEncoder(tokenizer.get_vocab_size()).state_dict(), folder / "model.safetensors")
