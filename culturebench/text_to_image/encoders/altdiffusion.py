"""The text tower of AltDiffusion: XLM-R, and the map from its states to what the UNet reads.

m9 reads `transformation(last_hidden_state)`, m18 `transformation_pre(pre_LN(hidden_states[-2]))`, so that its last
layer has no effect (diffusers 0.42, pipelines/deprecated/alt_diffusion/modeling_roberta_series.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from transformers import XLMRobertaConfig, XLMRobertaModel

from culturebench.text_to_image.base import Tokens
from culturebench.text_to_image.encoders.files import read_json, read_weights
from culturebench.text_to_image.encoders.hub import (
    ENCODER,
    TOKENIZER,
    EncoderError,
    HubEncoder,
    attention_of,
    load_tokenizer,
    subfolder,
)
from culturebench.text_to_image.runtime import device_of, dtype_of

if TYPE_CHECKING:
    from culturebench.params.encoders import Encoder

#: Keys of the published config that describe the whole tower or the file, and not XLM-R.
FOREIGN = ("architectures", "model_type", "dtype", "torch_dtype", "transformers_version")


class AltEncoder(HubEncoder):
    """XLM-R with AltDiffusion's transformation; `forward` adds `prompt_embeds` (b, tokens, project_dim)."""

    def __init__(self, config: dict[str, Any], tokenizer: Any, how: str, **settings: Any) -> None:
        penultimate = bool(config.get("has_pre_transformation", False))
        settings = {"masked": bool(config.get("use_attention_mask", True)), "penultimate": penultimate, **settings}
        super().__init__(_roberta(config, how), tokenizer, **settings)
        self.reads = "prompt_embeds"
        d, projected = int(config["hidden_size"]), int(config["project_dim"])
        self.transformation = nn.Linear(d, projected)
        self.transformation_pre = nn.Linear(d, projected) if penultimate else None
        self.pre_LN = nn.LayerNorm(d, eps=float(config["layer_norm_eps"])) if penultimate else None

    @classmethod
    def from_folder(cls, source: Encoder, folder: Path) -> AltEncoder:
        """The tower of a folder in the hub's layout; `EncoderError` for missing or surplus tensors."""
        inside = folder / subfolder(source.subfolder, folder, ENCODER)
        tokenizer = load_tokenizer(folder / subfolder(source.tokenizer, folder, TOKENIZER))
        config = read_json(inside / "config.json")
        chosen = {"max_tokens": source.max_tokens, "masked": source.masked}
        settings = {name: value for name, value in chosen.items() if value is not None}
        try:
            encoder = cls(config, tokenizer, attention_of(source.runtime), **settings)
        except (KeyError, TypeError, ValueError) as error:
            raise EncoderError(f"{inside}/config.json is no AltDiffusion text encoder: {error}") from None
        encoder._fill(read_weights(inside), inside)
        return encoder.to(device_of(source.runtime), dtype_of(source.runtime)).eval().requires_grad_(False)

    def forward(self, tokens: Tokens) -> dict[str, Tensor]:
        """The states of XLM-R, and what the UNet reads."""
        states = super().forward(tokens)
        if self.transformation_pre is None or self.pre_LN is None:
            return {**states, "prompt_embeds": self.transformation(states["last"])}
        return {**states, "prompt_embeds": self.transformation_pre(self.pre_LN(states["penultimate"]))}

    def _fill(self, weights: dict[str, Tensor], folder: Path) -> None:
        """Published names: `roberta.*` and the transformations; buffers and unread heads may be there."""
        renamed = {
            ("model." + name.removeprefix("roberta.") if name.startswith("roberta.") else name): tensor.float()
            for name, tensor in weights.items()
            if not name.endswith(("position_ids", "token_type_ids")) and "pooler" not in name and name != "logit_scale"
        }
        missing, surplus = self.load_state_dict(renamed, strict=False)
        if missing or surplus:
            raise EncoderError(f"{folder}: missing tensors {missing[:3]}, unknown tensors {surplus[:3]}")


def _roberta(config: dict[str, Any], attention: str) -> nn.Module:
    kept = XLMRobertaConfig().to_dict()
    known: dict[str, Any] = {name: config[name] for name in config if name in kept and name not in FOREIGN}
    chosen = XLMRobertaConfig(**known)
    chosen._attn_implementation = attention
    return XLMRobertaModel(chosen, add_pooling_layer=False)
