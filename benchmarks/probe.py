"""What cultural attention costs at the size of XLM-R-large (random weights), beside the ways to get it without hooks.

The ways take turns batch by batch: ours; a bare batched pass; the naive loop (one prompt per call, padded to the
model's length, all attentions kept); a loop over `output_attentions` (eager, batches in the prompts' own order, padded
to their longest), and the same loop over our batches, which are of like length. `benchmarks.probe_memory` measures the
memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

from benchmarks._ratios import Row, cpu
from culturebench.atlas.captions import Caption, cultural_caption, neutral_caption, noun_caption
from culturebench.atlas.training.cases import draw_region, draw_scene
from culturebench.atlas.world import REGIONS
from culturebench.probing.attention import (
    DIRECTIONS,
    AttentionReader,
    Prompt,
    find_roles,
    queries_and_keys,
    shortest_first,
)
from culturebench.text_to_image.base import Tokens
from culturebench.text_to_image.encoders.hub import HubEncoder

TOKENIZER = Path("culturebench/atlas/weights/encoder/tokenizer/tokenizer.json")
THREADS, SCENES, ROUNDS, BATCH, LENGTH = 2, 16, 2, 16, 77
NAIVE = 1  # prompts of a turn of the naive loop, whose calls are all of one size

BATCHED = "a loop over batches in the prompts' own order, `output_attentions=True`"
SORTED = "the same loop over batches of like length, as ours are"
ONE_BY_ONE = "a loop over prompts, padded to the model's length, `output_attentions=True`"

Found = list[NDArray[Any]]  # (directions, layers) a prompt


@dataclass(frozen=True)
class Way:
    """One of the ways: its batches (indices of prompts), the back end that it needs, and what it is."""

    run: Callable[[Sequence[Prompt]], Found]
    batches: list[list[int]]
    attention: str
    peer: str


def draw_prompts(times: int = 1, scenes: int = SCENES, language: str | None = None) -> list[Prompt]:
    """Captions of random scenes in 15 languages, in the order of the probe: all cultural, all noun, all neutral ones.

    Each is said `times` times; in one `language` where it is given.
    """
    rng = np.random.default_rng(0)
    drawn = [draw_scene(rng, region=draw_region(rng)) for _ in range(scenes)]
    captions = [
        kind(scene, language or REGIONS[scene.region][0])
        for kind in (cultural_caption, noun_caption, neutral_caption)
        for scene in drawn
    ]
    return [_prompt(caption, times) for caption in captions]


def _prompt(caption: Caption, times: int) -> Prompt:
    modifier = caption.modifier_span
    follows = modifier is not None and modifier > caption.noun_span
    return Prompt(", ".join([caption.text] * times), caption.noun_span, modifier, follows)


def large_encoder() -> HubEncoder:
    """XLM-R-large: 24 layers, d 1024, 16 heads; but for its vocabulary, of which a pass reads a few rows."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_file(str(TOKENIZER)), pad_token="<pad>", model_max_length=LENGTH
    )
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer), hidden_size=1024, num_hidden_layers=24, num_attention_heads=16,
        intermediate_size=4096, max_position_embeddings=514, type_vocab_size=1, initializer_range=0.05,
    )  # fmt: skip
    config._attn_implementation = "sdpa"
    torch.manual_seed(0)
    model = XLMRobertaModel(config, add_pooling_layer=False).eval().requires_grad_(False)
    return HubEncoder(model, tokenizer)


@torch.no_grad()
def bare(encoder: HubEncoder, prompts: Sequence[Prompt]) -> Found:
    """Nothing but the pass."""
    tokens = encoder.tokenize([prompt.text for prompt in prompts])
    encoder.model(input_ids=tokens.ids, attention_mask=tokens.real.long())
    return []


@torch.no_grad()
def kept(encoder: HubEncoder, prompts: Sequence[Prompt], *, full: bool = False) -> Found:
    """`output_attentions=True`: every layer's whole matrices are kept until the pass has ended."""
    tokens = (encoder.tokenize_full if full else encoder.tokenize)([prompt.text for prompt in prompts])
    mask = tokens.real.long()
    attentions = encoder.model(input_ids=tokens.ids, attention_mask=mask, output_attentions=True).attentions
    whole = torch.stack(attentions).mean(dim=2).numpy()  # (layers, batch, q, k)
    return [_read(whole[:, row], tokens, row, prompt) for row, prompt in enumerate(prompts)]


def _read(attention: NDArray[Any], tokens: Tokens, row: int, prompt: Prompt) -> NDArray[Any]:
    roles = find_roles(tokens, row, prompt, 0)
    cells = [queries_and_keys(roles, direction) for direction in DIRECTIONS]
    return np.stack([attention[:, q][:, :, k].mean(axis=(1, 2)) for q, k in cells])  # (directions, layers)


def one_by_one(encoder: HubEncoder, prompts: Sequence[Prompt]) -> Found:
    """The naive loop."""
    return [found for prompt in prompts for found in kept(encoder, [prompt], full=True)]


def ways_of(encoder: HubEncoder, prompts: Sequence[Prompt]) -> dict[str, Way]:
    """All of them, with as many batches each."""
    given, sorted_ones = _cut(range(len(prompts)), BATCH), _cut(shortest_first(encoder, prompts), BATCH)
    some = _cut(np.linspace(0, len(prompts) - 1, NAIVE * len(given)).astype(int).tolist(), NAIVE)
    return {
        "ours": Way(AttentionReader(encoder, relative=False), sorted_ones, "sdpa", ""),
        "bare": Way(partial(bare, encoder), sorted_ones, "sdpa", "the floor: a bare pass, sdpa, the same batches"),
        "naive": Way(partial(one_by_one, encoder), some, "eager", ONE_BY_ONE),
        "batched": Way(partial(kept, encoder), given, "eager", BATCHED),
        "sorted": Way(partial(kept, encoder), sorted_ones, "eager", SORTED),
    }


def _cut(indices: Sequence[int], size: int) -> list[list[int]]:
    return [list(indices[start : start + size]) for start in range(0, len(indices), size)]


def take_turns(
    encoder: HubEncoder, prompts: Sequence[Prompt], ways: dict[str, Way]
) -> tuple[dict[str, float], dict[str, dict[int, NDArray[Any]]]]:
    """CPU seconds per prompt of each way, batch by batch in turn, and what each found by the prompt's index."""
    seconds = dict.fromkeys(ways, 0.0)
    found: dict[str, dict[int, NDArray[Any]]] = {name: {} for name in ways}
    for turn in range(len(ways["ours"].batches)):
        for name, way in ways.items():
            batch = way.batches[turn]
            encoder.model.set_attn_implementation(way.attention)
            start = cpu()
            values = way.run([prompts[index] for index in batch])
            seconds[name] += (cpu() - start) / sum(map(len, way.batches))
            found[name].update(zip(batch, values, strict=False))
    return seconds, found


def rows() -> Iterator[Row]:
    """Every other way beside ours, by CPU time of one thread."""
    torch.set_num_threads(1)
    prompts, encoder = draw_prompts(scenes=SCENES // 2), large_encoder()
    ways = ways_of(encoder, prompts)
    bare(encoder, prompts[:BATCH])  # the first pass is slower
    rounds: list[dict[str, float]] = []
    worst = 0.0
    for _ in range(ROUNDS):
        seconds, found = take_turns(encoder, prompts, ways)
        worst = max(worst, *(abs(found["ours"][i] - one).max() for name in ways for i, one in found[name].items()))
        rounds.append(seconds)
    work = f"cultural attention of a prompt, XLM-R-large, {len(prompts)} prompts of 15 languages, one thread"
    for name, way in ways.items():
        if name != "ours":
            note = f"the same to {worst:.0e}" if name != "bare" else "ours ends at the last layer's attention"
            yield Row(work, way.peer, [one["ours"] for one in rounds], [one[name] for one in rounds], note=note)
