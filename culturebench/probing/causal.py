"""Whether a layer's attention carries culture to what the backbone reads: the same small push at every layer in turn.

At one layer, and there alone, a share of what its attention writes otherwise for the cultural prompt is added to the
noun prompt of the same pair, at the tokens that both have: the noun, and the summary. The effect is how far what the
backbone reads moves towards the cultural prompt's, as a share of the way and for one whole difference added. It is the
indirect effect of causal mediation analysis (Vig et al. 2020, Investigating Gender Bias in Language Models Using Causal
Mediation Analysis), at the place where every later intervention acts, the attention output.

Late layers bring any modifier further than early ones, since less behind them undoes it; random weights show that as
well. Hence the same is done with a culture-free modifier, and what counts is how much larger the effect of the cultural
one is: where nothing knows culture the two are alike at every layer.

It looks at no attention weight, so that cultural attention may turn out wrong. To cut the attention from modifier to
noun instead would change the modifier's own states first: at the last layers, where these reach nothing that a noun
prompt has as well, the effect would be 0 however much the layer matters.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from culturebench.probing.attention import Prompt
from culturebench.probing.features import fitting, summary_positions
from culturebench.probing.layers import Curve, LayerTest, delta_curve
from culturebench.probing.pairs import Pair
from culturebench.text_to_image.base import Edit, TextEncoder, Tokens

#: The prompts of a pair that the noun prompt is pushed to.
GOALS = ("cultural", "neutral")
MIN_WAY = 1e-5  # a shorter way, as a share of what the backbone reads of the noun prompt, is rounding


class LayerCheck:
    """A loaded encoder that gives the effects of every layer, for batches of pairs, halved where memory is short."""

    def __init__(self, encoder: TextEncoder, *, share: float) -> None:
        self.encoder = encoder
        self._share, self._fitting = share, fitting()

    def __call__(self, pairs: Sequence[Pair]) -> list[NDArray[np.float64]]:
        """One array (goals, layers) a pair, as `effects` has them."""
        return self._fitting.map(lambda some: list(effects(self.encoder, some, self._share)), pairs)


@torch.no_grad()
def effects(encoder: TextEncoder, pairs: Sequence[Pair], share: float) -> NDArray[np.float64]:
    """The effect of each layer on each pair: (pairs, goals, layers), goals as in `GOALS`; 1 is the whole way.

    NaN for a pair without the goal's prompt, whose noun has no token, or of which the backbone reads the same as of
    the noun prompt.
    """
    noun = _prompts(encoder, [pair.noun for pair in pairs])
    with _written(encoder, noun) as here:
        start = _read(encoder, noun)
    values = np.full((len(pairs), len(GOALS), len(encoder.layers)), np.nan)
    for column, name in enumerate(GOALS):
        # a missing prompt takes its place, so that rows stay rows; the way to it is 0
        goals: list[Prompt] = [getattr(pair, name) or pair.noun for pair in pairs]
        goal = _prompts(encoder, goals)
        with _written(encoder, goal) as there:
            way = _read(encoder, goal) - start  # (pairs, what is read)
        squared = way.pow(2).sum(dim=1)
        known = (goal.usable & noun.usable).to(way.device) & (squared > MIN_WAY**2 * start.pow(2).sum(dim=1))
        for layer in encoder.layers:
            push = share * (there[layer.index] - here[layer.index])  # (pairs, sites, d)
            with encoder.edited(layer.index, _pushed(noun, push)):
                moved = _read(encoder, noun) - start
            effect = torch.where(known, (moved * way).sum(dim=1) / squared / share, torch.nan)
            values[:, column, layer.index] = effect.double().cpu().numpy()
    return values


@dataclass(frozen=True)
class Check:
    """The mean effect of each layer with its interval, that of the control, and how far the one is beyond the other."""

    effect: Curve
    control: NDArray[np.float64]  # (layers,)
    beyond: Curve

    @property
    def marked(self) -> NDArray[np.bool_]:
        """The layers (layers,) that the test of `beyond` marks; a peak that is not above 0 is none."""
        return self.beyond.marked & (self.beyond.delta > 0)

    @property
    def layer(self) -> int | None:
        """The marked layer whose effect is furthest beyond the control; None when none is marked."""
        return int(np.argmax(np.where(self.marked, self.beyond.delta, -np.inf))) if self.marked.any() else None


def judge(measured: NDArray[np.float64], modifiers: Sequence[Hashable], candidates: int, test: LayerTest) -> Check:
    """The verdict on effects (pairs, goals, layers) without NaN, by the sign flips of delta CA, cultural minus neutral.

    What is peculiar to a few neutral words, which all pairs share, no flip of the cultural ones can tell from culture.
    So `test.min_excess` has to be well above it (benchmarks/layer_check.py measures the rates).
    """
    cultural, neutral = measured[:, 0], measured[:, 1]
    return Check(
        delta_curve(cultural, modifiers, candidates, test),
        neutral.mean(axis=0),
        delta_curve(cultural - neutral, modifiers, candidates, test),
    )


@dataclass(frozen=True)
class _Prompts:
    """A tokenized batch, and how its sites average tokens (batch, sites, tokens)."""

    tokens: Tokens
    sites: Tensor

    @property
    def usable(self) -> Tensor:
        """Which prompts' nouns have a token (batch,)."""
        return self.sites.any(dim=2).all(dim=1)


def _prompts(encoder: TextEncoder, prompts: Sequence[Prompt]) -> _Prompts:
    tokens = encoder.tokenize([prompt.text for prompt in prompts])
    sites = torch.zeros(len(prompts), 2, tokens.real.shape[1])  # noun, summary
    for row, summary in enumerate(summary_positions(tokens, causal=encoder.causal).tolist()):
        noun = tokens.positions(row, *prompts[row].noun)
        sites[row, 0, noun] = 1 / max(1, len(noun))
        sites[row, 1, summary] = 1
    return _Prompts(tokens, sites)


def _read(encoder: TextEncoder, prompts: _Prompts) -> Tensor:
    """What the backbone reads (batch, n): of states a token, those at the sites."""
    states = encoder.run(prompts.tokens)[encoder.reads].float()
    return (_averaged(states, prompts) if encoder.reads_tokens else states).flatten(1)


def _averaged(states: Tensor, prompts: _Prompts) -> Tensor:
    return prompts.sites.to(states.device) @ states.float()  # (batch, sites, d)


def _pushed(prompts: _Prompts, push: Tensor) -> Edit:
    """Adds to each token of a site its push (batch, sites, d); to a noun that is the summary, the summary's."""
    inside = (prompts.sites > 0).float()
    inside[:, 0] *= 1 - inside[:, 1]
    added = inside.transpose(1, 2).to(push.device) @ push  # (batch, tokens, d)
    return lambda features, _real: features + added


@contextmanager
def _written(encoder: TextEncoder, prompts: _Prompts) -> Generator[dict[int, Tensor]]:
    """Within the block, a pass leaves what each layer's attention adds at the sites (batch, sites, d)."""
    found: dict[int, Tensor] = {}

    def hook_of(index: int) -> Callable[..., None]:
        def hook(_module: nn.Module, _args: Any, output: Tensor) -> None:
            found[index] = _averaged(output, prompts)

        return hook

    with ExitStack() as stack:
        for layer in encoder.layers:
            stack.callback(layer.attention_output.register_forward_hook(hook_of(layer.index)).remove)
        yield found
