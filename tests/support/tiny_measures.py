"""Folders of tiny random weights for the measures, in the layouts of the published ones, and pictures to measure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import (
    AltCLIPConfig,
    AltCLIPModel,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    DistilBertConfig,
    DistilBertModel,
)

import layouts
import tiny_tokenizers

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "bowl", "with", "waves", "red", "house", "blue", "of"]
TEXTS = ["a bowl with waves", "a red house", "a blue bowl of waves with a house"]
VISION = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "patch_size": 8,
          "image_size": 32}  # fmt: skip
TEXT = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
WIDTH = 24  # of the spaces of pictures and texts


def pictures(count: int = 3, size: tuple[int, int] = (240, 200)) -> list[Image.Image]:
    """Smooth pictures, equal on every machine."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    channels = [[((3 + i) * x * (c + 1) + (7 - c) * y * (i + 1)) // 5 % 256 for c in range(3)] for i in range(count)]
    return [Image.fromarray(np.stack(one, axis=-1).astype(np.uint8)) for one in channels]


def clip(folder: Path, width: int = WIDTH) -> Path:
    """A CLIP as the hub has it."""
    words = tiny_tokenizers.clip(folder)
    ends = {"bos_token_id": words - 2, "eos_token_id": words - 1, "pad_token_id": words - 1}
    text = {**TEXT, **ends, "vocab_size": words, "max_position_embeddings": 77}
    return _save_clip(folder, CLIPModel, CLIPConfig(text_config=text, vision_config=VISION, projection_dim=width))


def altclip(folder: Path) -> Path:
    """An AltCLIP as the hub has it."""
    text = {**TEXT, "vocab_size": tiny_tokenizers.xlm_r(folder), "project_dim": WIDTH, "pooler_fn": "cls"}
    config = AltCLIPConfig(text_config=text, vision_config=VISION, projection_dim=WIDTH)
    return _save_clip(folder, AltCLIPModel, config)


def _save_clip(folder: Path, kind: Any, config: Any) -> Path:
    torch.manual_seed(0)
    kind(config).save_pretrained(folder)
    side = {"height": 32, "width": 32}
    CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=side).save_pretrained(folder)
    return folder


def sentence_tower(folder: Path, width: int = WIDTH, **pooling: bool) -> Path:
    """A text tower as sentence-transformers/clip-ViT-B-32-multilingual-v1 has it."""
    torch.manual_seed(1)
    bert_words(folder)
    config = DistilBertConfig(vocab_size=len(WORDS), dim=16, hidden_dim=24, n_layers=2, n_heads=2)
    DistilBertModel(config).save_pretrained(folder)
    parts = {
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"},
        ],
        "sentence_bert_config.json": {"max_seq_length": 6, "do_lower_case": False},
        "1_Pooling/config.json": {
            "word_embedding_dimension": 16, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True,
            "pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False, **pooling,
        },
        "2_Dense/config.json": {
            "in_features": 16, "out_features": width, "bias": False,
            "activation_function": "torch.nn.modules.linear.Identity",
        },
    }  # fmt: skip
    for name, content in parts.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    save_file({"linear.weight": torch.randn(width, 16)}, folder / "2_Dense/model.safetensors")
    return folder


def bert_words(folder: Path) -> None:
    """`vocab.txt` and `tokenizer_config.json` of a BERT."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    config = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 512}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def image_reward(folder: Path) -> Path:
    """ImageReward's weights, `med_config.json` with the sizes that they shrank to, and BERT's words."""
    layouts.write("image_reward", folder)
    bert_words(folder)
    path = folder / "med_config.json"
    sizes = {"hidden_size": 24, "intermediate_size": 96, "num_hidden_layers": 2, "vocab_size": 64}
    path.write_text(json.dumps({**json.loads(path.read_text()), **sizes}))
    return folder


def lpips(folder: Path, network: str) -> Path:
    """The backbone and the linear layers of one network."""
    layouts.write("lpips", folder)
    return folder / network
