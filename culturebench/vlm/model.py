"""A loaded vision-language model: pictures seen once, prompts in left-padded batches, letters or greedy text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch import Tensor

from culturebench.vlm.errors import VlmError
from culturebench.vlm.loading import QWEN, load_model, load_processor
from culturebench.vlm.neurons import decoder_layers, neurons_by_layer
from culturebench.vlm.options import LETTERS

if TYPE_CHECKING:
    from culturebench.params._runtime import Runtime


@dataclass(frozen=True)
class Seen:
    """A picture as the decoder sees it: tokens (t, d), those of further layers (t, d) each, its grid where it has one.

    It does not change with the decoder's neurons, so it is computed once.
    """

    tokens: Tensor
    deep: tuple[Tensor, ...]
    grid: tuple[int, ...]


@dataclass(frozen=True)
class Prompt:
    """What is asked of a picture: the system message ("" for none) and the text behind the picture."""

    system: str
    text: str


class Vlm:
    """A model behind one interface, whatever its family."""

    def __init__(self, folder: Path, runtime: Runtime, max_pixels: int | None = None) -> None:
        """Load `folder`, in the hub's layout; `VlmError` for another family or for files that are missing."""
        self.processor = load_processor(folder, max_pixels)
        self.model = load_model(folder, runtime)
        self.family = str(self.model.config.model_type)

    @cached_property
    def layers(self) -> Sequence[Any]:
        """The decoder's."""
        return decoder_layers(self.model)

    @property
    def width(self) -> int:
        """Neurons of a layer."""
        return neurons_by_layer(self.layers)

    @torch.inference_mode()
    def see(self, images: Sequence[Image.Image]) -> list[Seen]:
        """The pictures, one at a time: what a picture shows may not depend on those beside it."""
        return [self._see(image.convert("RGB")) for image in images]

    def _see(self, image: Image.Image) -> Seen:
        made = self.processor.image_processor(images=[image], return_tensors="pt").to(self.model.device)
        pixels = made["pixel_values"].to(self.model.dtype)
        if self.family not in QWEN:
            found = self.model.get_image_features(pixels, made["image_sizes"])
            return Seen(found.pooler_output[0], (), ())
        found = self.model.get_image_features(pixels, made["image_grid_thw"])
        deep = tuple(part[0] for part in getattr(found, "deepstack_features", None) or ())
        return Seen(found.pooler_output[0], deep, tuple(made["image_grid_thw"][0].tolist()))

    def inputs(self, prompts: Sequence[Prompt], seen: Sequence[Seen]) -> dict[str, Any]:
        """What the model takes: left-padded ids, and the pictures' tokens in the place of pixels."""
        token = self.processor.image_token
        texts = [
            self._templated(prompt).replace(token, token * len(picture.tokens), 1)
            for prompt, picture in zip(prompts, seen, strict=True)
        ]
        made = self.processor.tokenizer(
            texts, padding=True, return_tensors="pt", add_special_tokens=self._starts(texts)
        )
        ids, mask = made["input_ids"].to(self.model.device), made["attention_mask"].to(self.model.device)
        inputs: dict[str, Any] = {"input_ids": ids, "attention_mask": mask}
        if self.family in QWEN:
            inputs["mm_token_type_ids"] = (ids == self.processor.image_token_id).int()
            inputs["image_grid_thw"] = torch.tensor([picture.grid for picture in seen], device=ids.device)
        deep = [[picture.deep[i] for picture in seen] for i in range(len(seen[0].deep))]
        pictures = SimpleNamespace(pooler_output=[one.tokens for one in seen], deepstack_features=deep)
        return {**inputs, "mm_encoder_outputs": {"image": pictures}}

    def _templated(self, prompt: Prompt) -> str:
        asked = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": prompt.text}]}
        system = {"role": "system", "content": prompt.system}
        return self.processor.apply_chat_template(
            [system, asked] if prompt.system else [asked], tokenize=False, add_generation_prompt=True
        )

    def _starts(self, texts: Sequence[str]) -> bool:
        """Whether the tokenizer has to put its start before texts: not where the template did."""
        start = self.processor.tokenizer.bos_token
        return not (start and texts[0].startswith(start))

    @torch.inference_mode()
    def forward(self, inputs: Mapping[str, Any]) -> Tensor:
        """The logits behind each prompt's last token: (b, vocabulary).

        `VlmError` for inputs of a Qwen model without `mm_token_type_ids`: Qwen2.5-VL would take pictures for text, give
        their tokens wrong positions, and say nothing.
        """
        if self.family in QWEN and inputs.get("mm_token_type_ids") is None:
            raise VlmError(f"{self.family} needs `mm_token_type_ids`, or its pictures stand at wrong positions")
        return self.model(**inputs, use_cache=False, logits_to_keep=1).logits[:, -1].float()

    @cached_property
    def letter_tokens(self) -> list[list[int]]:
        """Of each letter all tokens that are read as it: with and without a space before it, for instance."""
        tokenizer, found = self.processor.tokenizer, {letter: list[int]() for letter in LETTERS}
        for word, token in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]):
            if len(word) > len("<0x41>") or token in tokenizer.all_special_ids:
                continue
            if (read := tokenizer.decode([token]).strip()) in found:
                found[read].append(token)
        return [found[letter] for letter in LETTERS]

    def letters(self, logits: Tensor, count: int) -> Tensor:
        """The logits (b, count) of the first letters, each over all of its tokens together; `VlmError` without any."""
        tokens = self.letter_tokens[:count]
        if missing := [letter for letter, some in zip(LETTERS, tokens, strict=False) if not some]:
            raise VlmError(f"the tokenizer has no token for {missing[0]!r}; set `scoring: generate`")
        return torch.stack([logits[:, some].logsumexp(dim=1) for some in tokens], dim=1)

    @torch.inference_mode()
    def replies(self, inputs: Mapping[str, Any], max_new_tokens: int) -> list[tuple[str, bool]]:
        """Each greedy reply, and whether the model had ended it itself."""
        made = self.model.generate(
            **inputs, do_sample=False, temperature=None, top_p=None, top_k=None, max_new_tokens=max_new_tokens
        )
        replies = made[:, inputs["input_ids"].shape[1] :].tolist()
        ends = self.model.generation_config.eos_token_id
        ends = set(ends) if isinstance(ends, list) else {ends}
        texts = self.processor.tokenizer.batch_decode(replies, skip_special_tokens=True)
        return [(text, not ends.isdisjoint(reply)) for text, reply in zip(texts, replies, strict=True)]
