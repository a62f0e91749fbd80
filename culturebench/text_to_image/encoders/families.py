"""Where the attention blocks of the text encoders of `transformers` are, by family."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn

from culturebench.errors import CultureBenchError
from culturebench.text_to_image.base import Layer


class FamilyError(CultureBenchError):
    """A text encoder of a family that is not known."""


@dataclass(frozen=True)
class Family:
    """What all text encoders of one family share."""

    model_types: tuple[str, ...]  # `model_type` of config.json
    architectures: tuple[str, ...]  # classes that may be loaded; the first where the config names no class
    blocks: str  # path of the list of blocks, behind wrappers
    attention: str  # path from a block to its attention module
    output: str  # path from a block to the attention's output projection
    causal: bool
    masked: bool  # whether pipelines mask the padding


FAMILIES = {
    "CLIP": Family(
        ("clip_text_model", "clip"), ("CLIPTextModel", "CLIPTextModelWithProjection"),
        "encoder.layers", "self_attn", "self_attn.out_proj", causal=True, masked=False,
    ),
    "T5": Family(
        ("t5", "mt5", "umt5"), ("T5EncoderModel", "MT5EncoderModel", "UMT5EncoderModel"),
        "encoder.block", "layer.0.SelfAttention", "layer.0.SelfAttention.o", causal=False, masked=False,
    ),
    "XLM-R": Family(
        ("xlm-roberta",), ("XLMRobertaModel",),
        "encoder.layer", "attention.self", "attention.output.dense", causal=False, masked=True,
    ),
    "BERT": Family(
        ("bert",), ("BertModel",),
        "encoder.layer", "attention.self", "attention.output.dense", causal=False, masked=True,
    ),
    "Qwen": Family(
        ("qwen2", "qwen3", "qwen2_5_vl", "qwen2_5_vl_text", "qwen3_vl", "qwen3_vl_text"),
        ("Qwen2Model", "Qwen2ForCausalLM", "Qwen3Model", "Qwen3ForCausalLM", "Qwen2_5_VLForConditionalGeneration",
         "Qwen2_5_VLModel", "Qwen3VLForConditionalGeneration", "Qwen3VLModel"),
        "layers", "self_attn", "self_attn.o_proj", causal=True, masked=True,
    ),
    "Gemma": Family(
        ("gemma", "gemma2", "gemma3_text"),
        ("GemmaModel", "Gemma2Model", "Gemma3TextModel", "GemmaForCausalLM", "Gemma2ForCausalLM", "Gemma3ForCausalLM"),
        "layers", "self_attn", "self_attn.o_proj", causal=True, masked=True,
    ),
    "Llama": Family(
        ("llama",), ("LlamaModel", "LlamaForCausalLM"),
        "layers", "self_attn", "self_attn.o_proj", causal=True, masked=True,
    ),
    "Mistral": Family(
        ("mistral", "mistral3"),
        ("MistralModel", "MistralForCausalLM", "Mistral3Model", "Mistral3ForConditionalGeneration"),
        "layers", "self_attn", "self_attn.o_proj", causal=True, masked=True,
    ),
    "GLM": Family(
        ("glm",), ("GlmModel", "GlmForCausalLM"),
        "layers", "self_attn", "self_attn.o_proj", causal=True, masked=True,
    ),
}  # fmt: skip
#: Modules that only hold another one.
WRAPPERS = ("text_model", "model", "language_model", "roberta")


def family_of(model_type: str) -> Family:
    """The family of a config's `model_type`; `FamilyError` lists what is known."""
    for family in FAMILIES.values():
        if model_type in family.model_types:
            return family
    known = "; ".join(f"{name}: {', '.join(family.model_types)}" for name, family in FAMILIES.items())
    raise FamilyError(f"a text encoder of the type {model_type!r} is not known; known types: {known}")


def text_stack(model: nn.Module, family: Family) -> nn.Module:
    """The module that holds the blocks, inside whatever holds it: of a vision-language model, the language half."""
    for module in _unwrapped(model):
        if _get(module, family.blocks) is not None:
            return module
    raise FamilyError(f"{type(model).__name__} has no {family.blocks}; its library's layout is not known")


def blocks_of(model: nn.Module, family: Family) -> list[nn.Module]:
    """The transformer blocks in order, inside whatever holds them."""
    return list(_get(text_stack(model, family), family.blocks))


def layers_of(model: nn.Module, family: Family) -> list[Layer]:
    """Every block's attention module and output projection, in order."""
    return [
        Layer(index, _get(block, family.attention), _get(block, family.output))
        for index, block in enumerate(blocks_of(model, family))
    ]


def _unwrapped(model: nn.Module) -> Iterator[nn.Module]:
    yield model
    for name in WRAPPERS:
        inner = getattr(model, name, None)
        if isinstance(inner, nn.Module):
            yield from _unwrapped(inner)


def _get(module: Any, path: str) -> Any:
    """The attribute at a dotted path, None where there is none; digits are indices."""
    step: Callable[[Any, str], Any] = lambda at, name: at[int(name)] if name.isdigit() else getattr(at, name, None)  # noqa: E731
    for name in path.split("."):
        module = None if module is None else step(module, name)
    return module
