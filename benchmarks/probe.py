"""What cultural attention costs at the size of XLM-R-large (random weights), beside the ways to get it without hooks.

`python -m benchmarks.probe` prints, of one run with 2 threads in which the ways take turns batch by batch (with 1 as
argument: of one thread, by its CPU time, which other work on the machine disturbs less):
ours; a bare batched pass (sdpa, the same batches); the naive loop (one prompt per call, padded to the model's length,
all attentions kept); a loop over `output_attentions` (eager, batches in the prompts' own order, padded to their
longest), and the same loop over our batches, which are of like length. A ratio is the median over rounds.
`python -m benchmarks.probe_memory` measures the memory.

Two threads: a bare pass takes 1.09 times as long as ours, which ends at the last layer's attention; the naive loop 6.1
times; the loop over `output_attentions` 1.28 times, all of it padding: over our batches 0.99. By the CPU time of one
thread: 1.03, 5.1, 1.30 and 1.05.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

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
THREADS, SCENES, ROUNDS, BATCH, LENGTH = 2, 16, 3, 16, 77
NAIVE = 1  # prompts of a turn of the naive loop, whose calls are all of one size

Found = list[NDArray[Any]]  # (directions, layers) a prompt


@dataclass(frozen=True)
class Way:
    """One of the ways: its batches (indices of prompts), the back end that it needs, and how it should compare."""

    run: Callable[[Sequence[Prompt]], Found]
    batches: list[list[int]]
    attention: str
    goal: str


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
        "bare": Way(partial(bare, encoder), sorted_ones, "sdpa", "at least 0.80"),
        "naive": Way(partial(one_by_one, encoder), some, "eager", "at least 4"),
        "batched": Way(partial(kept, encoder), given, "eager", "at least 1.2"),
        "sorted": Way(partial(kept, encoder), sorted_ones, "eager", "nothing; a batched loop that sorts as we do"),
    }


def _cut(indices: Sequence[int], size: int) -> list[list[int]]:
    return [list(indices[start : start + size]) for start in range(0, len(indices), size)]


def take_turns(
    encoder: HubEncoder, prompts: Sequence[Prompt], ways: dict[str, Way], clock: Callable[[], float]
) -> tuple[dict[str, float], dict[str, dict[int, NDArray[Any]]]]:
    """Seconds per prompt of each way, batch by batch in turn, and what each found by the prompt's index."""
    seconds = dict.fromkeys(ways, 0.0)
    found: dict[str, dict[int, NDArray[Any]]] = {name: {} for name in ways}
    for turn in range(len(ways["ours"].batches)):
        for name, way in ways.items():
            batch = way.batches[turn]
            encoder.model.set_attn_implementation(way.attention)
            start = clock()
            values = way.run([prompts[index] for index in batch])
            seconds[name] += (clock() - start) / sum(map(len, way.batches))
            found[name].update(zip(batch, values, strict=False))
    return seconds, found


def main(threads: int = THREADS) -> None:
    """Time the ways, and compare what they found."""
    torch.set_num_threads(threads)
    clock = time.process_time if threads == 1 else time.perf_counter
    prompts, encoder = draw_prompts(), large_encoder()
    lengths = encoder.tokenize([prompt.text for prompt in prompts]).real.sum(dim=1).tolist()
    ways = ways_of(encoder, prompts)
    print(f"{len(prompts)} prompts of {min(lengths)} to {max(lengths)} tokens, batches of {BATCH}, {threads} threads")
    bare(encoder, prompts[:BATCH])  # the first pass is slower
    rounds: list[dict[str, float]] = []
    worst = 0.0
    for number in range(ROUNDS):
        seconds, found = take_turns(encoder, prompts, ways, clock)
        worst = max(worst, *(abs(found["ours"][i] - one).max() for name in ways for i, one in found[name].items()))
        rounds.append(seconds)
        ratios = ", ".join(f"{name} {value / seconds['ours']:.2f}" for name, value in seconds.items())
        print(f"round {number + 1}, times as long as ours: {ratios}", flush=True)

    for name, way in ways.items():
        padded = sum(max(lengths[i] for i in batch) * len(batch) for batch in way.batches)
        tokens = LENGTH * len(prompts) if name == "naive" else padded
        speed = 1 / statistics.median(seconds[name] for seconds in rounds)
        ratio = statistics.median(seconds[name] / seconds["ours"] for seconds in rounds)
        goal = f"; {ratio:.2f} times as long as ours, wanted: {way.goal}" if name != "ours" else ""
        print(f"{name:8} {speed:6.2f} prompts/s, {tokens} tokens with padding (without: {sum(lengths)}){goal}")
    print(f"largest difference of a CA: {worst:.1e}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
