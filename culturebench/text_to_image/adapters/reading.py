"""Whether a pipeline reads prompts as the entries of its towers say, so that probing sees what the backbone sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from culturebench.text_to_image.adapters.parts import BackboneError
from culturebench.text_to_image.base import Tokens

#: A prompt to look at: words that are in no template, one of them with a capital.
PROBE = "a Zebra"


class Reading(Protocol):
    """A system around a pipeline that has its own way to encode prompts."""

    towers: list[Any]

    def states(self, prompts: list[str]) -> dict[str, Tensor]:
        """What the backbone reads."""
        ...


def check_reading(system: Reading) -> None:
    """`BackboneError` for a tower whose entry lacks the pipeline's template, or names another deepest state."""
    for tower in system.towers:
        _check_text(system, tower)
    for tower in system.towers:
        _check_depth(system, tower)


def prompts_own(tower: Any, own: Tokens, ids: Tensor, mask: Tensor | None) -> Tensor:
    """Which of a pipeline's ids (b, tokens) are the prompts' own, neither padding nor of a template.

    `own` is how the tower's entry reads the prompts; their places are looked up where the pipeline pads otherwise.
    """
    real = tower.real_tokens(ids, mask)
    if not (tower.before or tower.after) or len(ids) != len(own.ids):
        return real
    found = torch.zeros_like(real)
    for row in range(len(ids)):
        there, here = real[row].nonzero()[:, 0], own.mask[row]
        inside = own.real[row][here].to(real.device)
        if len(there) != len(inside):
            raise BackboneError(f"the pipeline reads {len(there)} tokens of a prompt, its tower {len(inside)}")
        found[row, there] = inside
    return found


def learn_wrapping(tower: Any, ids: Tensor, mask: Tensor | None) -> None:
    """Tell a tower how a pipeline wraps prompts, by what it reads of `PROBE`: `ids` and `mask`, both (b, tokens).

    `BackboneError` where that cannot be told.
    """
    seen = ids[0][tower.real_tokens(ids, mask)[0]].tolist()
    tower.before, tower.after, tower.lowercase = "", "", False
    if seen == _read(tower):
        return
    text = tower.tokenizer.decode(_without_added(tower, seen))
    tower.lowercase = PROBE not in text
    probe = PROBE.lower() if tower.lowercase else PROBE
    tower.before, _, tower.after = text.partition(probe)
    if text.count(probe) != 1 or seen != _read(tower):
        raise BackboneError(f"of {PROBE!r} the pipeline reads {text!r}; which tokens are the prompt's cannot be told")


def _read(tower: Any) -> list[int]:
    tokens = tower.tokenize([PROBE])
    return tokens.ids[0][tokens.mask[0]].tolist()


def _check_text(system: Reading, tower: Any) -> None:
    seen: list[Tensor] = []

    def look(_module: Any, positional: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        ids = named.get("input_ids", positional[0] if positional else None)
        mask = named.get("attention_mask", positional[1] if len(positional) > 1 else None)
        if ids is not None and not seen:
            seen.extend((ids[0][tower.real_tokens(ids, mask)[0]].cpu(), ids[0].cpu()))

    before, after, tower.before, tower.after = tower.before, tower.after, "", ""  # nothing is looked up in a template
    handle = tower.model.register_forward_pre_hook(look, with_kwargs=True)
    try:
        system.states([PROBE])
    finally:
        handle.remove()
        tower.before, tower.after = before, after
    if not seen:
        raise BackboneError(f"the pipeline encodes a prompt without its text encoder {type(tower.model).__name__}")
    if tower.max_tokens < len(seen[0]):
        raise BackboneError(
            f"the pipeline reads up to {len(seen[1])} tokens, the tower {tower.max_tokens}; "
            f"set of its entry in `encoders` max_tokens: {len(seen[1])}"
        )
    own = _read(tower)
    if seen[0].tolist() != own:
        text = tower.tokenizer.decode(_without_added(tower, seen[0].tolist()))
        hint = _template_in(text, tower.tokenizer.pad_token)
        raise BackboneError(
            f"of {PROBE!r} the pipeline reads {text!r}, the tower {tower.tokenizer.decode(own)!r}; {hint}"
        )


def _without_added(tower: Any, ids: list[int]) -> list[int]:
    """Ids without those that the tokenizer itself puts at the ends of any text."""
    empty = tower.tokenizer("").input_ids
    ends = [token for token in empty if token == tower.tokenizer.eos_token_id]
    start = [token for token in empty if token not in ends]
    ids = ids[len(start) :] if start and ids[: len(start)] == start else ids
    return ids[: -len(ends)] if ends and ids[-len(ends) :] == ends else ids


def _template_in(text: str, pad: str | None) -> str:
    if pad and text.startswith(pad):
        return "its padding on the left is read like words, so this pipeline cannot be probed"
    lowered = PROBE not in text
    probe = PROBE.lower() if lowered else PROBE
    if text.count(probe) != 1:
        return "set encoders.*.max_tokens, or this pipeline cannot be probed"
    template = text.replace(probe, "{prompt}").encode("unicode_escape").decode().replace('"', '\\"')
    lines = [f'template: "{template}"'] if text != probe else []
    return "set of its entry in `encoders` " + ", ".join([*lines, *(["lowercase: true"] if lowered else [])])


def _check_depth(system: Reading, tower: Any) -> None:
    """An edit behind what the backbone reads would do nothing, and one of a layer that it reads must do something."""
    plain = system.states([PROBE])
    for layer in reversed(tower.layers):
        with tower.edited(layer.index, _along_a_ramp):
            changed = system.states([PROBE])
        if any(not torch.equal(changed[name], plain[name]) for name in plain):
            if layer.index != tower.last_upstream_layer:
                deepest = len(tower.layers) - 1 - layer.index
                reads = {0: "last", 1: "penultimate"}.get(deepest, layer.index + 1)
                raise BackboneError(
                    f"the pipeline reads nothing behind block {layer.index} (from 0) of {type(tower.model).__name__}, "
                    f"its entry says block {tower.last_upstream_layer}; set encoders.*.reads: {reads}"
                )
            return
    raise BackboneError(f"no edit of {type(tower.model).__name__} changes what the pipeline reads of a prompt")


def _along_a_ramp(features: Tensor, real: Tensor) -> Tensor:
    """Features (b, tokens, d) with a ramp added over d: a layer norm takes out what all dimensions have in common."""
    ramp = torch.linspace(-1.0, 1.0, features.shape[-1], dtype=features.dtype, device=features.device)
    return torch.where(real[..., None], features + ramp, features)
