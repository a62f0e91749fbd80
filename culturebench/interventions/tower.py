"""One text encoder of a plain pipeline, and the edit under which it reads prompts: their own tokens and no others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from culturebench.errors import CultureBenchError
from culturebench.text_to_image.adapters.reading import PROBE, learn_wrapping, prompts_own
from culturebench.text_to_image.base import Edit, Tokens
from culturebench.text_to_image.encoders.hub import ENCODER, HubEncoder

#: A prompt -> what is done to the features of its tokens; None: nothing.
Choose = Callable[[str], Edit | None]
_NONE: Mapping[str, Any] = {}  # another thread may meet a hook before it is told to give it the keywords


class PipelineError(CultureBenchError):
    """A pipeline that cannot be edited as asked."""


@dataclass(frozen=True)
class EditedTower:
    """One text encoder of a pipeline, and what is done to it for each prompt."""

    name: str  # the pipeline's
    encoder: HubEncoder
    layer: int
    choose: Choose

    @contextmanager
    def attached(self, given: dict[str, Any], encode: Callable[[], Any]) -> Generator[None]:
        """Within the block, the tower's first run is edited: pipelines encode the prompt before the negative one.

        `given` are the arguments of `encode_prompt`, and `encode` calls the pipeline's own with what is in them then.
        """
        texts = self._texts(given)
        chosen = [self.choose(text) for text in texts]
        if not any(chosen):
            yield
            return
        edit = _by_row(chosen)
        reading: list[Tensor] = []  # which tokens are the prompts' own, while the tower reads them
        runs: list[None] = []
        reader = threading.get_ident()  # another thread's pipeline may have the same tower

        def before(_module: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any] = _NONE) -> None:
            if threading.get_ident() != reader:
                return
            runs.append(None)
            if len(runs) == 1:
                read = _read_of(args, kwargs)
                if len(read[0]) != len(texts):  # the negative ones among them, or a prompt in several pieces
                    raise PipelineError(f"{self.name} reads {len(read[0])} texts at once for {len(texts)} prompts")
                reading.append(self._own_tokens(texts, *read, lambda: self._learn_wrapping(given, encode)))

        def inside(_module: Any, _args: Any, output: Tensor) -> Tensor | None:
            if not reading or threading.get_ident() != reader:
                return None
            return edit(output.float(), reading[0].to(output.device)).to(output.dtype)

        def after(_module: Any, _args: Any, _output: Any) -> None:
            if threading.get_ident() == reader:
                reading.clear()

        with ExitStack() as hooks:
            model = self.encoder.model
            for handle in (
                model.register_forward_pre_hook(before, with_kwargs=True),
                self.encoder.layers[self.layer].attention_output.register_forward_hook(inside, prepend=True),
                model.register_forward_hook(after),
            ):
                hooks.callback(handle.remove)
            yield
        if not runs:
            raise PipelineError(f"the pipeline encoded its prompt without running {self.name}, so nothing was edited")

    def _own_tokens(self, texts: Sequence[str], ids: Tensor, mask: Tensor | None, learn: Callable[[], None]) -> Tensor:
        """Which of the ids (b, tokens) are the prompts' own, neither padding nor of a template of the pipeline's."""
        tower = self.encoder
        tower.before, tower.after, tower.lowercase, tower.max_tokens = "", "", False, ids.shape[1]
        real = tower.real_tokens(ids, mask)
        if _same(tower.tokenize(texts), ids, real):
            return real
        learn()
        tower.max_tokens = ids.shape[1]
        if not (tower.before or tower.after):
            return real
        for told in (texts, [text.strip() for text in texts]):
            if _same(own := tower.tokenize(told), ids, real):
                return prompts_own(tower, own, ids, mask)
        raise PipelineError(f"{self.name} reads other words than the prompt's, so nobody knows which tokens to edit")

    def _learn_wrapping(self, given: dict[str, Any], encode: Callable[[], Any]) -> None:
        """Look at what the tower would read of another prompt; it reads nothing."""
        reader, saved = threading.get_ident(), dict(given)

        def look(_module: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any] = _NONE) -> None:
            if threading.get_ident() == reader:
                raise _Seen(*_read_of(args, kwargs))

        for key in ("prompt", self._own):
            if given.get(key):
                given[key] = PROBE if isinstance(given[key], str) else [PROBE] * len(given[key])
        if "lora_scale" in given:
            given["lora_scale"] = None  # a call that is not ended would not take it back
        # before the hooks of blocks around or inside of this one, for which it is no reading
        handle = self.encoder.model.register_forward_pre_hook(look, prepend=True, with_kwargs=True)
        try:
            encode()
        except _Seen as seen:
            self.encoder.max_tokens = seen.ids.shape[1]
            learn_wrapping(self.encoder, seen.ids, seen.mask)
        finally:
            handle.remove()
            given.update(saved)

    @property
    def _own(self) -> str:
        """The argument that is this tower's prompt alone, such as prompt_2 of text_encoder_2."""
        return self.name.replace(ENCODER, "prompt")

    def _texts(self, given: Mapping[str, Any]) -> list[str]:
        found = given.get(self._own) or given.get("prompt")
        if found is None or given.get("prompt_embeds") is not None:
            raise PipelineError(
                "embeddings of the caller's cannot be edited; give the pipeline the prompt itself, or leave the block"
            )
        return [found] if isinstance(found, str) else list(found)


def _same(own: Tokens, ids: Tensor, real: Tensor) -> bool:
    """Whether a tower's own reading of prompts is what a pipeline gives it, but for the padding."""
    return all(torch.equal(own.ids[row][own.mask[row]], ids[row][real[row]].cpu()) for row in range(len(ids)))


class _Seen(Exception):
    """Ends a pass of a text encoder before it begins, with what it was given."""

    def __init__(self, ids: Tensor, mask: Tensor | None) -> None:
        super().__init__()
        self.ids, self.mask = ids, mask


def _read_of(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Tensor, Tensor | None]:
    """Ids and attention mask (b, tokens) among the arguments of a text encoder."""
    ids = args[0] if args else kwargs["input_ids"]
    return ids, args[1] if len(args) > 1 else kwargs.get("attention_mask")


def _by_row(chosen: Sequence[Edit | None]) -> Edit:
    """Each prompt's own edit."""

    def edit(features: Tensor, real: Tensor) -> Tensor:
        rows = [
            features[row : row + 1] if own is None else own(features[row : row + 1], real[row : row + 1])
            for row, own in enumerate(chosen)
        ]
        return torch.cat(rows)

    return edit
