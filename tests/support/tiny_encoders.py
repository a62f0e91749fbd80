"""A tiny random text encoder of each family, in the folders of a hub repository."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers

import tiny_tokenizers

LAYERS, WIDTH, HEADS = 3, 16, 2
_DECODER: dict[str, Any] = {
    "hidden_size": WIDTH, "intermediate_size": 32, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
    "num_key_value_heads": 1, "head_dim": 8, "pad_token_id": None, "bos_token_id": None, "eos_token_id": None,
}  # fmt: skip
#: Family, or a model of it that is different inside -> its tokenizer, class, and how its config names the sizes.
FAMILIES: dict[str, tuple[Callable[[Path], int], str, dict[str, Any]]] = {
    "CLIP": (tiny_tokenizers.clip, "CLIPTextModel", {
        "hidden_size": WIDTH, "intermediate_size": 32, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "max_position_embeddings": 77, "bos_token_id": 517, "eos_token_id": 518, "pad_token_id": 518,
    }),
    "T5": (tiny_tokenizers.t5, "T5EncoderModel", {
        "d_model": WIDTH, "d_ff": 32, "d_kv": 8, "num_layers": LAYERS, "num_heads": HEADS,
        "feed_forward_proj": "gated-gelu",
    }),
    "XLM-R": (tiny_tokenizers.xlm_r, "XLMRobertaModel", {
        "hidden_size": WIDTH, "intermediate_size": 32, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "max_position_embeddings": 514, "type_vocab_size": 1, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2,
    }),
    "BERT": (tiny_tokenizers.bert, "BertModel", {
        "hidden_size": WIDTH, "intermediate_size": 32, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "max_position_embeddings": 64,
    }),
    "Qwen": (tiny_tokenizers.qwen, "Qwen3ForCausalLM", {
        "hidden_size": WIDTH, "intermediate_size": 32, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "num_key_value_heads": 1, "head_dim": 8, "pad_token_id": None, "bos_token_id": None, "eos_token_id": None,
    }),
    "Gemma": (tiny_tokenizers.gemma, "Gemma2Model", {
        "hidden_size": WIDTH, "intermediate_size": 32, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "num_key_value_heads": 1, "head_dim": 8, "query_pre_attn_scalar": 8, "sliding_window": 128,
    }),
    "Gemma 3": (tiny_tokenizers.gemma, "Gemma3TextModel", {
        "hidden_size": WIDTH, "intermediate_size": 32, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "num_key_value_heads": 1, "head_dim": 8, "query_pre_attn_scalar": 8, "sliding_window": 5,
        "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
    }),
    "Llama": (tiny_tokenizers.qwen, "LlamaModel", _DECODER),
    "Mistral": (tiny_tokenizers.qwen, "MistralModel", _DECODER),
    "GLM": (tiny_tokenizers.qwen, "GlmModel", _DECODER),
}  # fmt: skip
#: As inside of pipelines that hold a conversation with their encoder.
OF_PIPELINES: dict[str, tuple[Callable[[Path], int], str, dict[str, Any]]] = {
    "CLIP with projection": (
        tiny_tokenizers.clip, "CLIPTextModelWithProjection", {**FAMILIES["CLIP"][2], "projection_dim": WIDTH}
    ),
    "GLM with <bos>": (tiny_tokenizers.gemma, "GlmModel", _DECODER),
    "Long BERT": (tiny_tokenizers.bert, "BertModel", {**FAMILIES["BERT"][2], "max_position_embeddings": 128}),
    "Qwen chat": (tiny_tokenizers.qwen_vl, "Qwen3ForCausalLM", FAMILIES["Qwen"][2]),
    "Qwen without head": (tiny_tokenizers.qwen_vl, "Qwen3Model", FAMILIES["Qwen"][2]),
    "Qwen2.5-VL": (tiny_tokenizers.qwen_vl, "Qwen2_5_VLForConditionalGeneration", {
        "text_config": {**FAMILIES["Qwen"][2], "rope_parameters": {"rope_type": "default", "rope_theta": 1e6,
                                                                   "mrope_section": [1, 1, 2]}},
        "vision_config": {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2,
                          "out_hidden_size": WIDTH},
    }),
}  # fmt: skip


def write(folder: Path, family: str, seed: int = 0, layers: int | None = None) -> Any:
    """Write `text_encoder/` and `tokenizer/`; gives the library's own model, with weights far from symmetric."""
    write_tokenizer, name, sizes = {**FAMILIES, **OF_PIPELINES}[family]
    vocabulary = write_tokenizer(folder / "tokenizer")
    if "text_config" in sizes:
        sizes = {**sizes, "text_config": {**sizes["text_config"], "vocab_size": vocabulary}}
    if layers:
        sizes = {**sizes, "num_hidden_layers": layers}
    kind: Any = getattr(transformers, name)
    torch.manual_seed(seed)
    config = kind.config_class(**({} if "text_config" in sizes else {"vocab_size": vocabulary}), **sizes)
    config._attn_implementation = "eager"
    model = kind(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.3)
    model.save_pretrained(folder / "text_encoder")
    return model
