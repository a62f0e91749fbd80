"""What a denoiser's picture looks at in the prompt: attention of picture places to text tokens, by block and step.

Every block's queries and keys are seen where diffusers hands them to torch, after all norms and rotations, and the
attention is computed beside the call: not one bit of the picture changes.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from culturebench.errors import CultureBenchError
from culturebench.text_to_image.base import refuse_compiled

#: Joint attention: processor of diffusers -> whether its text tokens come first or last among queries and keys.
JOINT = {"FluxAttnProcessor": "first", "JointAttnProcessor2_0": "last"}


class BackboneAttentionError(CultureBenchError):
    """A denoiser whose attention to the prompt cannot be read; the message says why, in one sentence."""


@dataclass
class Looked:
    """Block -> for every pass of the denoiser in turn, the mean attention (rows, text tokens) over heads and places."""

    blocks: dict[str, list[Tensor]] = field(default_factory=dict[str, list[Tensor]])

    def of(self, prompts: int, *, guided: bool) -> Tensor:
        """The conditional half, (prompts, blocks, passes, text tokens) in float32.

        `BackboneAttentionError` where no block reads the prompt, or the halves of the guidance cannot be told apart.
        """
        if not self.blocks:
            raise BackboneAttentionError("no block of the denoiser has an attention to the prompt that is known here")
        found = torch.stack([torch.stack(passes) for passes in self.blocks.values()])
        if found.shape[2] != prompts * (2 if guided else 1):
            raise BackboneAttentionError("the denoiser sees the halves of the guidance in passes of their own")
        return found[:, :, -prompts:].permute(2, 0, 1, 3)  # diffusers puts the unconditional half first


class _Seeing(TorchFunctionMode):
    """Hands each attention's queries and keys to `see`, and leaves the call as it is."""

    def __init__(self, see: Any) -> None:
        super().__init__()
        self._see = see

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        if func is F.scaled_dot_product_attention:
            self._see(*args, **given)
        return func(*args, **given)


@contextmanager
def looking(denoiser: nn.Module) -> Generator[Looked]:
    """Within the block every pass of the denoiser is recorded; nothing is left on it.

    `BackboneAttentionError` for a compiled denoiser, whose calls nobody sees.
    """
    try:
        refuse_compiled(denoiser)
    except CultureBenchError:
        raise BackboneAttentionError("the denoiser was compiled, and its attention cannot be seen") from None
    looked, inside, text = Looked(), list[tuple[str, Any, bool]](), list[int]()

    def enter_pass(_module: nn.Module, args: Any, given: Any) -> None:
        states = given.get("encoder_hidden_states", args[2] if len(args) > 2 else None)
        text[:] = [states.shape[1]] if isinstance(states, Tensor) and states.dim() == 3 else []

    def enter(name: str, module: Any) -> Any:
        def hook(_module: nn.Module, args: Any, given: Any) -> None:
            states = given.get("encoder_hidden_states", args[1] if len(args) > 1 else None)
            inside.append((name, module, isinstance(states, Tensor)))

        return hook

    def leave(*_: Any) -> None:
        inside.pop()

    @torch.no_grad()
    def see(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, *_: Any, **given: Any) -> None:
        if not inside or not text:
            return
        del value  # what is read does not say where from
        scale: float | None = given.get("scale")
        name, module, reads = inside[-1]
        side = JOINT.get(type(module.processor).__name__)
        columns = _columns(key.shape[-2], text[0], side, reads)
        if columns is None:
            return
        rows = _rows(query.shape[-2], side, columns)
        looked.blocks.setdefault(name, []).append(_mean(query, key, attn_mask, scale, rows, columns))

    with ExitStack() as stack:
        stack.callback(denoiser.register_forward_pre_hook(enter_pass, with_kwargs=True).remove)
        for name, module in denoiser.named_modules():
            if hasattr(module, "processor") and hasattr(module, "to_q"):
                stack.callback(module.register_forward_pre_hook(enter(name, module), with_kwargs=True).remove)
                stack.callback(module.register_forward_hook(leave, always_call=True).remove)
        stack.enter_context(_Seeing(see))
        yield looked


def _columns(keys: int, text: int, side: str | None, reads: bool) -> slice | None:
    """Which keys are the prompt's; None where an attention has none. A single stream of FLUX is given both as one."""
    if side is None:
        return slice(0, text) if reads and keys == text else None
    if keys <= text or not (reads or side == "first"):
        return None
    return slice(0, text) if side == "first" else slice(keys - text, keys)


def _rows(places: int, side: str | None, columns: slice) -> slice:
    """Which queries are the picture's: in joint attention the text asks too."""
    if side is None:
        return slice(0, places)
    return slice(columns.stop, places) if side == "first" else slice(columns.start)


def _mean(query: Tensor, key: Tensor, mask: Tensor | None, scale: float | None, rows: slice, columns: slice) -> Tensor:
    """softmax(QK / sqrt d) of (b, heads, q, d) and (b, heads, k, d), its mean over heads and `rows`: (b, columns)."""
    total = torch.zeros(len(query), columns.stop - columns.start, device=query.device)
    by = query.shape[-1] ** -0.5 if scale is None else scale
    for head in range(query.shape[1]):  # a head at a time: all of them would not fit beside a large denoiser
        scores = query[:, head, rows].float() @ key[:, head].float().transpose(-1, -2) * by
        if mask is not None:
            here = mask[:, min(head, mask.shape[1] - 1)] if mask.dim() == 4 else mask
            here = here[..., rows, :] if here.shape[-2] > 1 else here
            scores = scores.masked_fill(~here, -torch.inf) if here.dtype == torch.bool else scores + here.float()
        total += scores.softmax(dim=-1)[..., columns].mean(dim=1)
    return (total / query.shape[1]).cpu()


def check_readable(system: Any) -> None:
    """`BackboneAttentionError` where the denoiser reads no state of a token, or not those that its encoder gives."""
    encoder = system.encoder
    if not encoder.reads_tokens:
        raise BackboneAttentionError("the denoiser reads one state of the whole prompt, and none of a noun or modifier")
    if getattr(encoder, "before", "") or getattr(encoder, "after", ""):
        raise BackboneAttentionError(
            "the pipeline puts a template around the prompt, and may drop it behind the encoder"
        )


def places_of(system: Any, texts: Sequence[str], read: int) -> tuple[Any, int]:
    """The tokens of texts, and where the first of them lies among the `read` text tokens of the denoiser.

    `BackboneAttentionError` where that cannot be told.
    """
    encoder = system.encoder
    tokens = getattr(encoder, "tokenize_full", encoder.tokenize)(texts)
    own, beside = tokens.ids.shape[1], [one.max_tokens for one in getattr(system, "towers", ())]
    if own == read:
        return tokens, 0
    if read - own in beside:  # SD3.5: CLIP's tokens, then T5's
        last = system.encoder is system.towers[-1]
        return tokens, read - own if last else 0
    raise BackboneAttentionError(
        f"the denoiser reads {read} text tokens and the encoder gives {own}, so that which is whose cannot be told"
    )
