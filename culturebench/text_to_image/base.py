"""`TextEncoder` and `TextToImage`: all that probing, interventions and generation know of a system."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from PIL import Image
from torch import Tensor, nn

from culturebench.errors import CultureBenchError

#: Features (batch, tokens, d) and which tokens are real (batch, tokens) -> edited features (batch, tokens, d).
Edit = Callable[[Tensor, Tensor], Tensor]

#: Of each thread: the id of an encoder that reads in it -> which of its tokens are real.
_READING = threading.local()


class HookError(CultureBenchError):
    """An edit that cannot reach a text encoder, or did not."""


def refuse_compiled(module: nn.Module) -> None:
    """`HookError` for a module that was compiled, in part or as a whole: it ignores hooks, or keeps them for good."""
    for name, part in module.named_modules():
        if part._compiled_call_impl is not None or type(part).__name__ == "OptimizedModule":
            raise HookError(
                f"the text encoder's {name or type(part).__name__} was compiled by torch.compile, which ignores an "
                "edit, or keeps it for good; compile the denoiser alone, or give the encoder before it was compiled"
            )


@dataclass(frozen=True)
class Tokens:
    """A tokenized batch: ids, real and special are (batch, tokens); offsets are character spans a token."""

    ids: Tensor  # (batch, tokens) int64
    real: Tensor  # (batch, tokens) bool, False on padding and on what a template puts around the prompt
    special: Tensor  # (batch, tokens) bool, True on <s>, </s> and wherever `real` is False
    offsets: list[list[tuple[int, int]]]  # half-open, within the prompt; (0, 0) on special tokens
    attended: Tensor | None = None  # (batch, tokens) bool, what the encoder attends to; None: as `real`

    @property
    def mask(self) -> Tensor:
        """What the encoder attends to (batch, tokens), False on padding alone."""
        return self.real if self.attended is None else self.attended

    def positions(self, row: int, start: int, end: int) -> list[int]:
        """Indices of the tokens of `row` that overlap the characters [start, end), special tokens left out."""
        return [
            index
            for index, (a, b) in enumerate(self.offsets[row])
            if a < end and b > start and not bool(self.special[row, index])
        ]


@dataclass(frozen=True)
class Layer:
    """One transformer block of a text encoder, 0-based."""

    index: int
    attention: nn.Module  # its forward returns (output, attention weights (batch, heads, q, k)) in eager mode
    attention_output: nn.Module  # its output is (batch, tokens, d): after the projection, before residual and norm


@dataclass(frozen=True)
class Conditioning:
    """What the backbone reads; the tensors' names are the backbone's own, the first axis is the prompt."""

    tensors: dict[str, Tensor]

    def rows(self, indices: Sequence[int]) -> Conditioning:
        """The conditioning of some prompts, in the given order, repeats allowed."""
        index = torch.as_tensor(list(indices))
        return Conditioning({name: tensor[index] for name, tensor in self.tensors.items()})


class TextEncoder(nn.Module):
    """A prompt's way to conditioning. Subclasses set the attributes and write `tokenize` and `forward`."""

    layers: list[Layer]
    hidden_size: int
    causal: bool
    last_upstream_layer: int  # the highest layer index that the backbone's taps can see
    reads: str = "last"  # the tensor of `forward` that the backbone reads
    reads_tokens: bool = True  # whether it is (batch, tokens, n), a state for each token

    @property
    def _real(self) -> Tensor | None:
        """Which tokens (batch, tokens) are real of what this thread reads just now."""
        return _READING.__dict__.get(str(id(self)))

    @_real.setter
    def _real(self, real: Tensor | None) -> None:
        if real is None:
            _READING.__dict__.pop(str(id(self)), None)
        else:
            _READING.__dict__[str(id(self))] = real

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """Tokens padded to the longest text."""
        raise NotImplementedError

    def cut(self, texts: Sequence[str]) -> list[bool]:
        """Which of the texts are longer than what is read of them."""
        return [False] * len(texts)

    def run(self, tokens: Tokens) -> dict[str, Tensor]:
        """One forward pass; returns the conditioning tensors, first axis the prompt."""
        self._real = tokens.real
        try:
            return self(tokens)
        finally:
            self._real = None

    @contextmanager
    def edited(self, layer: int, edit: Edit) -> Generator[None]:
        """Within the block, `edit` replaces the attention output of `layer`; the hook always comes off.

        It acts on what this thread reads: another one may read with the same encoder, edited otherwise or not at all.
        `HookError` for a compiled encoder, and where no pass went through the hook.
        """
        refuse_compiled(self)
        reader, acted = threading.get_ident(), False

        def hook(_module: nn.Module, _args: Any, output: Tensor) -> Tensor | None:
            nonlocal acted
            if threading.get_ident() != reader:
                return None
            assert self._real is not None, "edits act within TextEncoder.run"
            acted = True
            edited = edit(output.float(), self._real.to(output.device))  # sums of half-precision latents drift
            return edited.to(output.dtype)

        handle = self.layers[layer].attention_output.register_forward_hook(hook, prepend=True)
        try:
            yield
        finally:
            handle.remove()
        if not acted:
            raise HookError(f"an edit of layer {layer} never acted: no pass of the text encoder reached it")


class TextToImage(Protocol):
    """A whole system: prompts to conditioning, conditioning and seeds to pictures."""

    @property
    def encoder(self) -> TextEncoder:
        """The prompt's way in, where edits are attached."""
        ...

    @property
    def denoiser(self) -> nn.Module:
        """The UNet or transformer that makes latents, where adapters are attached."""
        ...

    def encode(self, prompts: Sequence[str]) -> Conditioning:
        """Conditioning of the prompts, under whatever edits are in force on `encoder`."""
        ...

    def generate(self, conditioning: Conditioning, seeds: Sequence[int]) -> list[Image.Image]:
        """One picture per row of `conditioning`, from that row's seed; independent of the batch's other rows."""
        ...


class Intervention(Protocol):
    """Something that is done to a system while it makes a picture."""

    @property
    def part(self) -> Literal["encoder", "denoiser"]:
        """What it acts on: the way of the prompt, row by row, or the whole of a batch's latents."""
        ...

    @property
    def description(self) -> Mapping[str, Any]:
        """All that determines it, as JSON."""
        ...

    def applied(self, system: TextToImage) -> AbstractContextManager[None]:
        """It is in force within the block, and leaves nothing behind, also after an exception."""
        ...


@dataclass(frozen=True)
class EncoderEdit:
    """An edit of the attention output of one layer of the encoder; `details` (JSON) is all that determines it there."""

    layer: int
    edit: Edit
    details: Mapping[str, Any]

    @property
    def part(self) -> Literal["encoder"]:
        """The way of the prompt."""
        return "encoder"

    @property
    def description(self) -> Mapping[str, Any]:
        """Layer and details."""
        return {"layer": self.layer, **self.details}

    def applied(self, system: TextToImage) -> AbstractContextManager[None]:
        """Prompts are encoded under the edit within the block."""
        return system.encoder.edited(self.layer, self.edit)


@dataclass(frozen=True)
class Together:
    """Several interventions at once, on either part: edits of some layers, or an edit and an adapter."""

    several: Sequence[Intervention]

    @property
    def part(self) -> Literal["encoder", "denoiser"]:
        """The part of them all; a mixture acts on both, and `parts_of` takes it apart."""
        return "denoiser" if all(one.part == "denoiser" for one in self.several) else "encoder"

    @property
    def description(self) -> Mapping[str, Any]:
        """Theirs, in their order."""
        return {"together": [dict(one.description) for one in self.several]}

    @contextmanager
    def applied(self, system: TextToImage) -> Generator[None]:
        """All are in force within the block."""
        with ExitStack() as stack:
            for one in self.several:
                stack.enter_context(one.applied(system))
            yield


def parts_of(intervention: Intervention | None, part: Literal["encoder", "denoiser"]) -> tuple[Intervention, ...]:
    """What of an intervention acts on one part of a system, each alone."""
    if isinstance(intervention, Together):
        return tuple(each for one in intervention.several for each in parts_of(one, part))
    return (intervention,) if intervention is not None and intervention.part == part else ()
