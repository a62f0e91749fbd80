"""Text encoders of `transformers`, from a folder in the hub's layout or around a model that is already loaded."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers
from torch import Tensor, nn
from transformers import AutoTokenizer, XLMRobertaModel
from transformers.utils import logging

from culturebench.errors import CultureBenchError
from culturebench.text_to_image.base import TextEncoder, Tokens
from culturebench.text_to_image.encoders.families import Family, FamilyError, family_of, layers_of, text_stack
from culturebench.text_to_image.encoders.files import read_json
from culturebench.text_to_image.runtime import device_of, dtype_of

if TYPE_CHECKING:
    from culturebench.params._runtime import Runtime
    from culturebench.params.encoders import Encoder

#: Where the hub's pipelines keep them.
ENCODER, TOKENIZER = "text_encoder", "tokenizer"
MAX_TOKENS = 512  # where the tokenizer names no limit


class EncoderError(CultureBenchError):
    """A text encoder's folder that is incomplete, or of a kind that cannot be used."""


class HubEncoder(TextEncoder):
    """A text encoder of `transformers` with its tokenizer; `forward` gives the states that backbones read.

    `last` (b, tokens, d) after the final norm, `penultimate` (b, tokens, d) before the last block, and of CLIP
    `pooled` (b, d), projected where the model projects it.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Any,
        *,
        max_tokens: int | None = None,
        masked: bool | None = None,
        penultimate: bool = False,
        behind: int | None = None,
        template: str | None = None,
        lowercase: bool = False,
    ) -> None:
        """`behind`: the deepest state that is read is that behind so many blocks; the others are as in params."""
        super().__init__()
        if not getattr(tokenizer, "is_fast", False):
            raise EncoderError(
                f"{type(tokenizer).__name__} gives no character offsets; add the tokenizer.json of the fast tokenizer"
            )
        self.model: Any = model
        self.tokenizer = tokenizer
        self.family = _family(model)
        self.causal = self.family.causal
        self.layers = layers_of(model, self.family)
        self.hidden_size = int(self.layers[0].attention_output.weight.shape[0])  # type: ignore[union-attr, arg-type]
        if behind is not None and behind > len(self.layers):
            raise EncoderError(f"encoders.*.reads is {behind}; {type(model).__name__} has {len(self.layers)} blocks")
        self.behind = behind
        self.last_upstream_layer = len(self.layers) - (2 if penultimate else 1) if behind is None else behind - 1
        self.reads = "penultimate" if penultimate else "last" if behind is None else "behind"
        self.before, _, self.after = (template or "{prompt}").partition("{prompt}")
        self.lowercase = lowercase
        self.masked = self.family.masked if masked is None else masked
        limit = int(tokenizer.model_max_length)
        self.max_tokens = max_tokens or min(limit, MAX_TOKENS)

    @classmethod
    def from_folder(cls, source: Encoder, folder: Path) -> HubEncoder:
        """The encoder and tokenizer in the subfolders that `source` names; `EncoderError` for what is missing."""
        model = load_transformer(folder / subfolder(source.subfolder, folder, ENCODER), source)
        tokenizer = load_tokenizer(folder / subfolder(source.tokenizer, folder, TOKENIZER))
        return cls(
            model,
            tokenizer,
            max_tokens=source.max_tokens,
            masked=source.masked,
            **reading(source),
        )

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.model.parameters()).device

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """Tokens padded to the longest text, or to `max_tokens` where real tokens attend to the padding."""
        return self._tokens(texts, "longest" if self.causal or self.masked else "max_length")

    def tokenize_full(self, texts: Sequence[str]) -> Tokens:
        """Tokens padded to `max_tokens`, as backbones read them."""
        return self._tokens(texts, "max_length")

    def forward(self, tokens: Tokens) -> dict[str, Tensor]:
        """The states of a batch: `last`, `penultimate`, and `pooled` where there is one."""
        mask = tokens.mask.long().to(self.device) if self.masked else None
        arguments = {"input_ids": tokens.ids.to(self.device), "attention_mask": mask}
        # the other layers' states would be kept for nobody: as much again as a pass needs, and more
        wanted = [-2, -1] if self.behind is None else [self.behind, -2, -1]
        output = self.model(**arguments, output_hidden_states=wanted, return_dict=True)
        states: tuple[Tensor, ...] = output.hidden_states
        last = getattr(output, "last_hidden_state", None)
        found = {"last": states[-1] if last is None else last, "penultimate": states[-2]}
        if self.behind is not None:
            found["behind"] = states[self.behind]
        pooled = getattr(output, "text_embeds", None)
        if pooled is None and not self.masked:
            pooled = getattr(output, "pooler_output", None)
        return found if pooled is None else {**found, "pooled": pooled}

    def real_tokens(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """Which of the ids (b, tokens) are no padding, for callers that hold nothing but a pipeline's ids."""
        if mask is not None:
            return mask.bool()
        if self.causal:  # CLIP pads with its end token, of which the first is real
            ends = (ids == self.tokenizer.eos_token_id).long()
            return ends.cumsum(dim=1) - ends == 0
        return ids != self.tokenizer.pad_token_id

    def cut(self, texts: Sequence[str]) -> list[bool]:
        """Which of the texts have more tokens than `max_tokens`."""
        encoded = self.tokenizer(self.prepared(texts), padding=False, truncation=False) if texts else {"input_ids": []}
        return [len(ids) > self.max_tokens for ids in encoded["input_ids"]]

    def prepared(self, texts: Sequence[str]) -> list[str]:
        """What a pipeline would give the tokenizer for prompts."""
        return [f"{self.before}{text.lower() if self.lowercase else text}{self.after}" for text in texts]

    def _tokens(self, texts: Sequence[str], padding: str) -> Tokens:
        encoded = self.tokenizer(
            self.prepared(texts), padding=padding, max_length=self.max_tokens, truncation=True,
            return_attention_mask=True, return_special_tokens_mask=True, return_offsets_mapping=True,
            return_tensors="pt",
        )  # fmt: skip
        attended, spans = encoded["attention_mask"].bool(), encoded["offset_mapping"]
        special = encoded["special_tokens_mask"].bool() | ~attended
        real, shift = attended, len(self.before)
        if self.before or self.after:
            ends = torch.tensor([shift + len(text) for text in texts])[:, None]
            real = attended & ~special & (spans[..., 1] > shift) & (spans[..., 0] < ends)
            special = ~real
            spans = (spans - shift).clamp(min=0)
        spans = spans.masked_fill(special[..., None], 0).tolist()
        return Tokens(
            ids=encoded["input_ids"],
            real=real,
            special=special,
            offsets=[[(start, end) for start, end in row] for row in spans],
            attended=attended,
        )


def reading(source: Encoder) -> dict[str, Any]:
    """What of an entry of `encoders` says how its pipeline reads, as arguments of `HubEncoder`."""
    return {
        "penultimate": source.reads == "penultimate",
        "behind": source.reads if isinstance(source.reads, int) else None,
        "template": source.template,
        "lowercase": source.lowercase,
    }


def load_transformer(folder: Path, source: Encoder) -> nn.Module:
    """The frozen model in `folder`, of the class that its config names; safetensors only."""
    config = read_json(folder / "config.json")
    family = family_of(config.get("model_type", ""))
    named: str = (config.get("architectures") or [family.architectures[0]])[0]
    if named not in family.architectures:
        named = family.architectures[0]  # a whole CLIP or T5, of which the text half is taken
    how = source.runtime
    kind = getattr(transformers, named)
    try:
        with _quiet():
            model, found = kind.from_pretrained(
                folder,
                use_safetensors=True,
                local_files_only=True,
                dtype=dtype_of(how),
                attn_implementation=attention_of(how, kind),
                output_loading_info=True,
            )
    except (OSError, ValueError, RuntimeError) as error:
        raise EncoderError(f"{folder} cannot be loaded as {named}: {_first_line(error)}") from None
    missing = sorted(found["missing_keys"])
    if any(_in_pooler(name) for name in missing):
        model.pooler = None
    if missing := [name for name in missing if not _in_pooler(name)]:
        raise EncoderError(f"{folder} lacks weights of {named}: {', '.join(missing[:3])}; download it again")
    return text_half(model).to(device_of(how)).eval().requires_grad_(False)


@contextmanager
def _quiet() -> Generator[None]:
    """Within the block the library reports no tensors that nobody reads, nor missing ones, which are told by us."""
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _in_pooler(name: str) -> bool:
    """Whether a tensor is of the head that some encoders have for sentences, and that may be left out of a file."""
    return name.startswith("pooler.")


def attention_of(how: Runtime, kind: Any = XLMRobertaModel) -> str:
    """The attention back end; sdpa by default, where the class of the model has it (Gemma 2 has not)."""
    if how.attention != "auto":
        return how.attention
    return "sdpa" if kind._supports_sdpa else "eager"


def text_half(model: nn.Module) -> nn.Module:
    """The model without a language model's head, which no pipeline reads."""
    head = hasattr(model, "lm_head")
    return text_stack(model, _family(model)) if head else model


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer in `folder`, padding on the right as pipelines do."""
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, padding_side="right")
    except (OSError, ValueError) as error:
        raise EncoderError(f"{folder} holds no usable tokenizer: {_first_line(error)}") from None


def subfolder(named: str | None, folder: Path, usual: str) -> str:
    """The subfolder that params name; else the usual one where there is one, else the folder itself."""
    if named is not None:
        return named
    return usual if (folder / usual).is_dir() else ""


def _family(model: Any) -> Family:
    config = getattr(model, "config", None)
    if config is None:
        raise FamilyError(f"{type(model).__name__} is no model of the library transformers")
    return family_of(config.model_type)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
