"""What an edit does to what a text encoder gives, where there is no picture model to show it.

The measure is a share of the way: from one prompt to another, how far an edit of the first takes the encoder's output
along the line to the second's. It is the effect of the causal check (`probing/causal.py`) for any edit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from culturebench.interventions.edits import unchanged
from culturebench.probing.attention import Prompt, find_roles
from culturebench.probing.features import summary_positions
from culturebench.text_to_image.base import Edit, TextEncoder, Tokens

#: What may be averaged, or edited: all real tokens, those of modifier and noun, the summary, and what is left.
SITES = ("all", "modifier", "noun", "summary", "other")


def read(encoder: TextEncoder, prompt: Prompt) -> dict[str, Tensor]:
    """The encoder's output for one prompt, averaged over each site that has a token: site -> (d,)."""
    [found] = read_edited(encoder, prompt, 0, [(unchanged, "all")])
    return found


@torch.no_grad()
def read_edited(
    encoder: TextEncoder, prompt: Prompt, layer: int, edits: Sequence[tuple[Edit, str]]
) -> list[dict[str, Tensor]]:
    """As `read`, under each of some edits of the attention output of `layer`, at the tokens of its site alone."""
    tokens = encoder.tokenize([prompt.text] * len(edits))
    sites = _sites_of(encoder, tokens, prompt)

    def each(features: Tensor, real: Tensor) -> Tensor:
        rows = [
            edit(features[row : row + 1], real[row : row + 1] & sites[at].to(real.device))
            for row, (edit, at) in enumerate(edits)
        ]
        return torch.cat(rows)

    with encoder.edited(layer, each):
        given = encoder.run(tokens)[encoder.reads].float().cpu()  # (edits, tokens, d)
    if not encoder.reads_tokens:
        return [{"all": one.flatten()} for one in given]
    there = {name: chosen for name, chosen in sites.items() if bool(chosen.any())}
    return [{name: states[chosen].mean(dim=0) for name, chosen in there.items()} for states in given]


def _sites_of(encoder: TextEncoder, tokens: Tokens, prompt: Prompt) -> dict[str, Tensor]:
    """Which tokens (tokens,) of a tokenized prompt are of each of `SITES`; a noun prompt has no modifier."""
    summary = int(summary_positions(tokens, causal=encoder.causal)[0])
    roles = find_roles(tokens, 0, prompt, summary)
    chosen = {"modifier": [] if roles.stand_in else roles.modifier, "noun": roles.noun, "summary": [summary]}
    real = tokens.real[0]
    found = {"all": real, **{name: torch.zeros_like(real) for name in SITES[1:]}}
    for name, positions in chosen.items():
        found[name][positions] = True
    found["other"] = real & ~(found["modifier"] | found["noun"] | found["summary"])
    return found


def share_of_way(start: Tensor, goal: Tensor, moved: Tensor) -> float:
    """How far `moved` is on the way from `start` to `goal`, each (d,): 0 is none, 1 all; NaN for no way."""
    way = goal - start
    return float((moved - start) @ way / (way @ way))


def shares_of_way(
    start: Mapping[str, Tensor], goal: Mapping[str, Tensor], moved: Mapping[str, Tensor]
) -> dict[str, float]:
    """`share_of_way` at every site that the three prompts have."""
    return {
        name: share_of_way(start[name], goal[name], moved[name]) for name in start if name in goal and name in moved
    }
