"""Tiny random vision-language models of the real classes, in folders as the hub's repositories have them.

Names of tensors are the published ones, transcribed from the weight maps of llava-hf/llava-v1.6-mistral-7b-hf,
neulab/Pangea-7B-hf and Qwen/Qwen2.5-VL-7B-Instruct; the libraries' own names of today are others.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import (
    AutoTokenizer,
    CLIPVisionConfig,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    MistralConfig,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Config,
    Qwen2Tokenizer,
)

import layouts
import tiny_tokenizers
from culturebench.vlm.model import Prompt


def picture(seed: int, size: tuple[int, int]) -> Image.Image:
    levels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(levels)


#: Pictures and prompts of three lengths.
PICTURES = [picture(0, (64, 64)), picture(1, (100, 40)), picture(2, (60, 90))]
TEXTS = ("a bowl\nA. Jp\nB. Nl", "which of these two bowls\nA. Nl\nB. Jp\nC. It", "b")
PROMPTS = [Prompt("", text) for text in TEXTS]
FAMILIES = ("llava_mistral", "pangea", "qwen25_vl", "qwen3_vl")
COMMON = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
          "num_key_value_heads": 2}  # fmt: skip
PINPOINTS = [[56, 112], [112, 56], [112, 112]]
LLAVA_NAMES = {
    "model.language_model.": "language_model.model.",
    "model.vision_tower.": "vision_tower.vision_model.",
    "model.multi_modal_projector.": "multi_modal_projector.",
    "model.image_newline": "image_newline",
    "lm_head.": "language_model.lm_head.",
}
QWEN25_NAMES = {"model.visual.": "visual.", "model.language_model.": "model."}
LLAVA_TEMPLATE = (
    "{% for message in messages %}[INST] {% for part in message.content %}{% if part.type == 'image' %}<image>\n"
    "{% else %}{{ part.text }}{% endif %}{% endfor %} [/INST]{% endfor %}"
)


def write(family: str, folder: Path) -> Path:
    """The folder of one family."""
    if family == "qwen3_vl":
        return layouts.write("qwen3_vl", folder)
    torch.manual_seed(0)
    if family == "qwen25_vl":
        size = tiny_tokenizers.qwen_vl(folder)
        _save(_qwen25(size), QWEN25_NAMES, folder)
        _write(folder / "preprocessor_config.json", {
            "image_processor_type": "Qwen2VLImageProcessor", "patch_size": 14, "merge_size": 2,
            "temporal_patch_size": 2, "size": {"shortest_edge": 784, "longest_edge": 12544},
        })  # fmt: skip
        return folder
    mistral = family == "llava_mistral"
    size = tiny_tokenizers.llama_vl(folder, LLAVA_TEMPLATE) if mistral else _pangea_tokenizer(folder)
    decoder: Any = MistralConfig if mistral else Qwen2Config
    picture = AutoTokenizer.from_pretrained(folder).convert_tokens_to_ids("<image>")
    _save(_llava(decoder(vocab_size=size, **COMMON), picture), LLAVA_NAMES, folder)
    _write(folder / "preprocessor_config.json", {
        "image_processor_type": "LlavaNextImageProcessor", "size": {"shortest_edge": 56},
        "crop_size": {"height": 56, "width": 56}, "image_grid_pinpoints": PINPOINTS,
    })  # fmt: skip
    empty = {"patch_size": None, "vision_feature_select_strategy": None}
    told = {"patch_size": 14, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    _write(folder / "processor_config.json", {
        "processor_class": "LlavaNextProcessor", **(empty if family == "pangea" else told)
    })  # fmt: skip
    return folder


def _pangea_tokenizer(folder: Path) -> int:
    size = tiny_tokenizers.qwen(folder, ("<image>",), chat_template=LLAVA_TEMPLATE)
    Qwen2Tokenizer.from_pretrained(folder).save_pretrained(folder)  # tokenizer.json, as published
    return size


def _llava(text: Any, picture: int) -> Any:
    vision = CLIPVisionConfig(hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=2,
                              image_size=56, patch_size=14, projection_dim=32)  # fmt: skip
    settings: Any = LlavaNextConfig
    return LlavaNextForConditionalGeneration(
        settings(vision_config=vision, text_config=text, image_token_id=picture,
                        image_grid_pinpoints=PINPOINTS, vision_feature_layer=-2)
    )  # fmt: skip


def _qwen25(size: int) -> Any:
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
    vision = {"depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "patch_size": 14,
              "out_hidden_size": 32, "fullatt_block_indexes": [1], "window_size": 56}  # fmt: skip
    return Qwen2_5_VLForConditionalGeneration(
        Qwen2_5_VLConfig(
            text_config={"vocab_size": size, **COMMON, "rope_parameters": rope}, vision_config=vision,
            vision_start_token_id=size - 4, vision_end_token_id=size - 3, image_token_id=size - 2,
            video_token_id=size - 1,
        )
    )  # fmt: skip


def _save(model: Any, names: dict[str, str], folder: Path) -> None:
    model.config.save_pretrained(folder)
    tensors: dict[str, torch.Tensor] = {}
    for name, value in model.state_dict().items():
        scale = 0.3 if value.ndim > 1 else 1.0  # the library's start is so small that all logits are alike
        new = torch.randn(value.shape) * scale if value.ndim > 1 else value
        before = next((old for old in names if name.startswith(old)), "")
        tensors[names.get(before, "") + name.removeprefix(before)] = new.contiguous()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    _write(folder / "generation_config.json", {"eos_token_id": 2, "pad_token_id": 0})


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
