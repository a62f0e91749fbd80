"""The text tower of an open_clip model around XLM-R, such as xlm-roberta-large-ViT-H-14.

open_clip's state dict (`open_clip_pytorch_model`) holds it as `text.transformer.*`, beside the image tower, which is
never read; the geometry is read from the tensors (mlfoundations/open_clip, src/open_clip/hf_model.py).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor
from transformers import XLMRobertaConfig, XLMRobertaModel

from culturebench.text_to_image.encoders.files import read_weights
from culturebench.text_to_image.encoders.hub import EncoderError, HubEncoder, attention_of, load_tokenizer
from culturebench.text_to_image.runtime import device_of, dtype_of

if TYPE_CHECKING:
    from culturebench.params.encoders import Encoder

PREFIX = "text.transformer."
HEAD_SIZE = 64  # of XLM-R base and large
CONTEXT = 77  # tokens, open_clip's `context_length`


class OpenClipEncoder(HubEncoder):
    """XLM-R of an open_clip model; its padding is masked, `last` is what PEA-Diffusion's adapter reads."""

    @classmethod
    def from_folder(cls, source: Encoder, folder: Path) -> OpenClipEncoder:
        """The tower in the folder's safetensors, with the tokenizer beside it; `EncoderError` when it is no XLM-R."""
        weights = {
            name.removeprefix(PREFIX): tensor.float()
            for name, tensor in read_weights(folder / (source.subfolder or ""), PREFIX).items()
            if not name.endswith(("position_ids", "token_type_ids")) and ".pooler." not in name
        }
        try:
            config = _config(weights, attention_of(source.runtime))
            model: Any = XLMRobertaModel(config, add_pooling_layer=False)
            model.load_state_dict(weights)
        except (KeyError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise EncoderError(f"{folder} holds no XLM-R under {PREFIX}*: {reason}") from None
        tokenizer = load_tokenizer(folder / (source.tokenizer or ""))
        encoder = cls(
            model.to(device_of(source.runtime), dtype_of(source.runtime)),
            tokenizer,
            max_tokens=source.max_tokens or CONTEXT,
            masked=source.masked,
        )
        return encoder.eval().requires_grad_(False)


def _config(weights: dict[str, Tensor], attention: str) -> XLMRobertaConfig:
    words, d = weights["embeddings.word_embeddings.weight"].shape
    layers = {int(match[1]) for name in weights if (match := re.match(r"encoder\.layer\.(\d+)\.", name))}
    sizes: dict[str, Any] = {
        "vocab_size": words,
        "hidden_size": d,
        "num_hidden_layers": len(layers),
        "num_attention_heads": d // HEAD_SIZE,
        "intermediate_size": weights["encoder.layer.0.intermediate.dense.weight"].shape[0],
        "max_position_embeddings": weights["embeddings.position_embeddings.weight"].shape[0],
        "type_vocab_size": 1,
        "layer_norm_eps": 1e-5,
    }
    config = XLMRobertaConfig(**sizes)
    config._attn_implementation = attention
    return config
