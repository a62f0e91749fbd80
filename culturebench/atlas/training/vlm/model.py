"""The model: a real Qwen3-VL, as small as it can be, in the hub's layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, Qwen3VLConfig, Qwen3VLForConditionalGeneration

from culturebench.atlas.facts import ASKED, FACTS, KINDS, VIEWS
from culturebench.atlas.training.cases import PICTURE_SIZE
from culturebench.atlas.training.vlm.planted import LAYERS, WIDTH, parts, truth
from culturebench.atlas.training.vlm.tower import MERGE, PATCH, SIDE
from culturebench.atlas.training.vlm.words import (
    END,
    FILM,
    PAD,
    PICTURE,
    SPECIAL,
    VISION_END,
    VISION_START,
    save_tokenizer,
    tokenizer,
)

HIDDEN, HEADS = 64, 4


def new_model(seed: int = 0) -> Any:
    """Random weights."""
    torch.manual_seed(seed)
    ids = {word: i for i, word in enumerate(SPECIAL)}
    config = Qwen3VLConfig(
        text_config={
            "vocab_size": tokenizer().get_vocab_size(),
            "hidden_size": HIDDEN,
            "intermediate_size": WIDTH,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "num_key_value_heads": HEADS,
            "head_dim": HIDDEN // HEADS,
            "max_position_embeddings": 512,
            "tie_word_embeddings": True,
            "pad_token_id": ids[PAD],
            "eos_token_id": ids[END],
            "rope_parameters": {
                "rope_type": "default",
                "mrope_section": [4, 2, 2],
                "mrope_interleaved": True,
                "rope_theta": 10000.0,
            },
        },
        vision_config={
            "depth": 2,
            "hidden_size": 96,
            "intermediate_size": 192,
            "num_heads": 4,
            "patch_size": PATCH,
            "spatial_merge_size": MERGE,
            "temporal_patch_size": 1,
            "out_hidden_size": HIDDEN,
            "deepstack_visual_indexes": [],
            "num_position_embeddings": SIDE * SIDE,
        },
        image_token_id=ids[PICTURE],
        video_token_id=ids[FILM],
        vision_start_token_id=ids[VISION_START],
        vision_end_token_id=ids[VISION_END],
        tie_word_embeddings=True,
    )
    return Qwen3VLForConditionalGeneration(config)


def save(model: Any, folder: Path, *, planted: bool = True) -> None:
    """Weights in half precision, configs, tokenizer, what was planted, and the words that were taught."""
    folder.mkdir(parents=True, exist_ok=True)
    model.generation_config = GenerationConfig(eos_token_id=SPECIAL.index(END), pad_token_id=SPECIAL.index(PAD))
    with torch.no_grad():
        for part in (part for part in parts() if planted and part.place == "silent"):
            for layer, neuron in part.sites:
                model.model.language_model.layers[layer].mlp.down_proj.weight[:, neuron] = 0
    model.half().save_pretrained(folder)
    model.float()
    save_tokenizer(folder, (PATCH, MERGE, PICTURE_SIZE**2))
    if planted:
        rows = ",\n".join(json.dumps(row, sort_keys=True) for row in truth())
        (folder / "planted.json").write_text(f"[\n{rows}\n]\n", encoding="utf-8")
    taught = {
        "kinds": KINDS,
        "questions": ASKED,
        "views": list(VIEWS.values()),
        "facts": {code: list(facts) for code, facts in FACTS.items()},
    }
    (folder / "taught.json").write_text(
        json.dumps(taught, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )
