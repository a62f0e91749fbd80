"""The text encoder of the atlas system, apart from it: what only probes does not wait for a library of pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import XLMRobertaConfig, XLMRobertaModel

from culturebench.text_to_image.base import Layer, TextEncoder, Tokens

CONDITION_TOKENS = 4
PAD_ID = 1
MAX_TOKENS = 64


class AtlasTextEncoder(TextEncoder):
    """XLM-R, LayerNorm and a linear map of `<s>` to condition tokens; `forward` gives `prompt_embeds` (b, 4, d)."""

    causal = False
    reads, reads_tokens = "prompt_embeds", False

    def __init__(self, config: XLMRobertaConfig, tokenizer: Tokenizer) -> None:
        super().__init__()
        config._attn_implementation = "eager"
        size = config.hidden_size
        self.roberta = XLMRobertaModel(config, add_pooling_layer=False)
        self.pre_LN = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.transformation_pre = nn.Linear(size, CONDITION_TOKENS * size)
        self.tokenizer = tokenizer
        self.hidden_size = size
        self.last_upstream_layer = config.num_hidden_layers - 2
        blocks: Any = self.roberta.encoder.layer
        self.layers = [Layer(i, block.attention.self, block.attention.output.dense) for i, block in enumerate(blocks)]

    @classmethod
    def from_folder(cls, folder: Path) -> AtlasTextEncoder:
        """Read `text_encoder/{config.json,model.safetensors}` and `tokenizer/tokenizer.json`."""
        config = XLMRobertaConfig(**json.loads((folder / "text_encoder/config.json").read_text()))
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer/tokenizer.json"))
        encoder = cls(config, tokenizer)
        weights = load_file(folder / "text_encoder/model.safetensors")
        encoder.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
        return encoder.eval().requires_grad_(False)

    def save(self, folder: Path) -> None:
        """Write what `from_folder` reads; weights in half precision."""
        (folder / "text_encoder").mkdir(parents=True, exist_ok=True)
        (folder / "tokenizer").mkdir(parents=True, exist_ok=True)
        config = self.roberta.config.to_diff_dict()
        config = {key: value for key, value in config.items() if key not in ("transformers_version", "dtype")}
        (folder / "text_encoder/config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
        save_file(half(self.state_dict()), folder / "text_encoder/model.safetensors")
        self.tokenizer.save(str(folder / "tokenizer/tokenizer.json"))

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """Tokens padded to the longest text, at most `MAX_TOKENS`."""
        self.tokenizer.enable_padding(pad_id=PAD_ID, pad_token="<pad>")
        self.tokenizer.enable_truncation(MAX_TOKENS)
        encodings = self.tokenizer.encode_batch(list(texts))
        return Tokens(
            ids=torch.tensor([e.ids for e in encodings]),
            real=torch.tensor([e.attention_mask for e in encodings]).bool(),
            special=torch.tensor([e.special_tokens_mask for e in encodings]).bool(),
            offsets=[e.offsets for e in encodings],
        )

    def forward(self, tokens: Tokens) -> dict[str, Tensor]:
        """The condition tokens of a batch, `prompt_embeds` (b, 4, d)."""
        output = self.roberta(
            input_ids=tokens.ids, attention_mask=tokens.real.long(), output_hidden_states=True, return_dict=True
        )
        start = self.pre_LN(output.hidden_states[-2][:, 0])  # (batch, d)
        condition = self.transformation_pre(start)
        return {"prompt_embeds": condition.view(len(start), CONDITION_TOKENS, self.hidden_size)}


def half(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state in half precision, as the shipped weights are stored."""
    return {name: (t.half() if t.is_floating_point() else t).contiguous() for name, t in state.items()}
