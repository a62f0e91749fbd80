"""The attention of a few query tokens at every layer, whatever attention back end the encoder was loaded with.

Eager attention returns its weights, of which the rows are taken. The library's other back ends return none, but are
handed the finished queries and keys (normed, rotated, with their mask): a function put in their place for the time of
the pass computes the rows from those, and leaves the rest to them (transformers, AttentionInterface).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from culturebench.errors import CultureBenchError
from culturebench.text_to_image.base import TextEncoder

#: A layer's index and its weights (batch, heads, rows, keys), as the layer runs.
Reader = Callable[[int, Tensor], None]


class AttentionError(CultureBenchError):
    """An encoder that does not show its attention, or a prompt in which there is nothing to look at."""


class _AllSeen(Exception):
    """Every layer has shown its attention; the rest of the pass is for nobody."""


@contextmanager
def rows_read(encoder: TextEncoder, rows: Tensor, reader: Reader) -> Generator[None]:
    """Around one pass: `reader` gets each layer's weights of the query tokens `rows` (batch, rows); none are kept.

    The block ends where the last layer has shown its weights: the pass within it goes no further and returns nothing.
    `AttentionError` at the end when a layer showed no weights.
    """
    index_of = {layer.attention: layer.index for layer in encoder.layers}
    seen: set[int] = set()

    def found(module: nn.Module, weights: Tensor) -> None:
        seen.add(index_of[module])
        reader(index_of[module], weights)
        if len(seen) == len(index_of):
            raise _AllSeen

    def hook(module: nn.Module, _args: Any, output: Any) -> None:
        weights = output[-1] if isinstance(output, tuple) else None  # T5 returns three
        if isinstance(weights, Tensor) and weights.dim() == 4:
            found(module, _at(weights, rows.to(weights.device)))

    def compute(module: nn.Module, query: Tensor, key: Tensor, mask: Tensor | None, how: dict[str, Any]) -> None:
        if module in index_of:
            found(module, row_weights(module, query, key, mask, rows.to(query.device), **how))

    with ExitStack() as stack:
        for module in index_of:
            stack.callback(module.register_forward_hook(hook).remove)
        for name in sorted({_back_end(module) for module in index_of} & set(ALL_ATTENTION_FUNCTIONS.keys())):
            stack.enter_context(_overheard(name, compute))
        with suppress(_AllSeen):
            yield
    if missing := sorted(set(index_of.values()) - seen):
        raise AttentionError(
            f"layer {missing[0]} of {type(encoder).__name__} showed no attention; "
            "set `attention: eager` under the encoder's runtime in params.yaml"
        )


def row_weights(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    mask: Tensor | None,
    rows: Tensor,
    *,
    scaling: float | None = None,
    is_causal: bool | None = None,
    softcap: float | None = None,
    position_bias: Tensor | None = None,
    sliding_window: int | None = None,
    **_: Any,
) -> Tensor:
    """Attention weights (batch, heads, rows, keys) of the query tokens `rows` (batch, rows), in single precision.

    query (batch, heads, tokens, d), key (batch, key heads, tokens, d), and the rest as the library's back ends get
    it: a mask over queries and keys, boolean or to be added; one over keys alone, or none, which leaves the order of
    the tokens to `is_causal` and `sliding_window`.
    """
    heads, size = query.shape[1], query.shape[-1]
    asked = _at(query, rows).float()
    keys = key.float().repeat_interleave(heads // key.shape[1], dim=1)
    scores = asked @ keys.transpose(2, 3) * (size**-0.5 if scaling is None else scaling)
    if softcap is not None:
        scores = softcap * torch.tanh(scores / softcap)
    if position_bias is not None:
        scores = scores + _at(position_bias, rows)
    if mask is not None and mask.dim() == 4:
        chosen = _at(mask, rows)
        scores = scores.masked_fill(~chosen, -torch.inf) if chosen.dtype == torch.bool else scores + chosen
    else:
        causal = getattr(module, "is_causal", True) if is_causal is None else is_causal
        scores = scores.masked_fill(~_visible(rows, key.shape[2], mask, causal, sliding_window), -torch.inf)
    return scores.softmax(dim=-1)


def _visible(rows: Tensor, keys: int, mask: Tensor | None, causal: bool, window: int | None) -> Tensor:
    """Which keys each row sees (batch, 1, rows, keys), where no mask over queries and keys says so."""
    distance = rows[:, None, :, None] - torch.arange(keys, device=rows.device)
    seen = distance >= 0 if causal else torch.ones_like(distance, dtype=torch.bool)
    if causal and window is not None:
        seen = seen & (distance < window)
    return seen if mask is None else seen & mask.bool()[:, None, None, :]


def _at(values: Tensor, rows: Tensor) -> Tensor:
    """The `rows` (batch, rows) of values (batch or 1, heads or 1, queries, n)."""
    whole = values.expand(len(rows), -1, -1, -1)
    return whole.gather(2, rows[:, None, :, None].expand(-1, whole.shape[1], -1, whole.shape[3]))


def _back_end(module: nn.Module) -> str:
    return str(getattr(getattr(module, "config", None), "_attn_implementation", None))


@contextmanager
def _overheard(name: str, compute: Callable[..., None]) -> Generator[None]:
    """Within the block, what the back end `name` is handed goes to `compute` first."""
    functions: Any = ALL_ATTENTION_FUNCTIONS
    before = functions[name]

    def attend(module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Any, **how: Any) -> Any:
        compute(module, query, key, mask, how)
        return before(module, query, key, value, mask, **how)

    functions[name] = attend
    try:
        yield
    finally:
        functions[name] = before
