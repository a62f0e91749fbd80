"""What cultural attention costs at the size of XLM-R-large (random weights), beside the ways to get it without hooks.

`python -m benchmarks.probe` prints, of one run with 2 threads and all ways in turn on the same prompts:
ours; a bare batched pass (sdpa, the same batches); the naive loop (one prompt a call, padded to the model's length,
all attentions kept); a loop over `output_attentions` (eager, batches padded to their longest prompt).
The extra memory is the difference of two processes' peaks of resident memory, one with our pass and one with the bare
one, each measured behind a first pass.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

from culturebench.atlas.captions import cultural_caption
from culturebench.atlas.training.cases import draw_region, draw_scene
from culturebench.atlas.world import REGIONS
from culturebench.probing.attention import (
    DIRECTIONS,
    Prompt,
    cultural_attention,
    find_roles,
    queries_and_keys,
    shortest_first,
)
from culturebench.text_to_image.base import Tokens
from culturebench.text_to_image.encoders.hub import HubEncoder

TOKENIZER = Path("culturebench/atlas/weights/encoder/tokenizer/tokenizer.json")
THREADS, PROMPTS, ROUNDS, BATCH, LENGTH = 2, 48, 3, 16, 77
NAIVE = 9  # prompts of the naive loop, as long on average as all of them


def draw_prompts() -> list[Prompt]:
    """Cultural captions of random scenes in 15 languages, with their spans; every third goes on for longer."""
    rng = np.random.default_rng(0)
    prompts: list[Prompt] = []
    for number in range(PROMPTS):
        region = draw_region(rng)
        caption = cultural_caption(draw_scene(rng, region=region), REGIONS[region][0])
        assert caption.modifier_span is not None
        follows = caption.modifier_span > caption.noun_span
        text = ", ".join([caption.text] * (1 + number % 3))
        prompts.append(Prompt(text, caption.noun_span, caption.modifier_span, follows))
    return prompts


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


def ours(encoder: HubEncoder, prompts: list[Prompt]) -> NDArray[Any]:
    """All layers and directions in one pass a batch."""
    return cultural_attention(encoder, prompts, relative=False, batch_size=BATCH)


@torch.no_grad()
def bare(encoder: HubEncoder, prompts: list[Prompt]) -> None:
    """Nothing but the passes of the same batches."""
    order = shortest_first(encoder, prompts)
    for start in range(0, len(order), BATCH):
        encoder.run(encoder.tokenize([prompts[index].text for index in order[start : start + BATCH]]))


@torch.no_grad()
def kept(encoder: HubEncoder, prompts: list[Prompt], batch: int, full: bool) -> NDArray[Any]:
    """`output_attentions=True` in the order of the prompts; every layer's whole matrices are kept until the end."""
    found: list[NDArray[Any]] = []
    encoder.model.set_attn_implementation("eager")  # the others hide their weights
    for start in range(0, len(prompts), batch):
        some = prompts[start : start + batch]
        tokens = (encoder.tokenize_full if full else encoder.tokenize)([prompt.text for prompt in some])
        mask = tokens.real.long()
        attentions = encoder.model(input_ids=tokens.ids, attention_mask=mask, output_attentions=True).attentions
        whole = torch.stack(attentions).mean(dim=2).numpy()  # (layers, batch, q, k)
        found += [_read(whole[:, row], tokens, row, prompt) for row, prompt in enumerate(some)]
    encoder.model.set_attn_implementation("sdpa")
    return np.stack(found)


def _read(attention: NDArray[Any], tokens: Tokens, row: int, prompt: Prompt) -> NDArray[Any]:
    roles = find_roles(tokens, row, prompt, 0)
    cells = [queries_and_keys(roles, direction) for direction in DIRECTIONS]
    return np.stack([attention[:, q][:, :, k].mean(axis=(1, 2)) for q, k in cells])  # (directions, layers)


def main() -> None:
    """Time the four, alternating, and compare what they found."""
    torch.set_num_threads(THREADS)
    prompts, encoder = draw_prompts(), large_encoder()
    lengths = encoder.tokenize([prompt.text for prompt in prompts]).real.sum(dim=1).tolist()
    ways: dict[str, Callable[[list[Prompt]], NDArray[Any] | None]] = {
        "ours": lambda some: ours(encoder, some),
        "bare": lambda some: bare(encoder, some),
        "naive": lambda some: kept(encoder, some, 1, full=True),
        "batched": lambda some: kept(encoder, some, BATCH, full=False),
    }
    counts = {name: NAIVE if name == "naive" else PROMPTS for name in ways}
    seconds: dict[str, list[float]] = {name: [] for name in ways}  # a prompt
    found: dict[str, NDArray[Any] | None] = {}
    for way in ways.values():
        way(prompts[:1])
    for _ in range(ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            found[name] = way(prompts[: counts[name]])
            seconds[name].append((time.perf_counter() - start) / counts[name])
    print(f"{PROMPTS} prompts of {min(lengths)} to {max(lengths)} tokens, batches of {BATCH}, {THREADS} threads")
    for name, values in seconds.items():
        print(f"{name:8} {1 / statistics.median(values):6.2f} prompts/s")
    for name, goal in (("bare", "at least 0.80"), ("naive", "at least 4"), ("batched", "at least 1.2")):
        ratio = statistics.median(b / a for a, b in zip(seconds["ours"], seconds[name], strict=True))
        print(f"{name} takes {ratio:.2f} times as long as ours; wanted: {goal}")
    mine = found["ours"]
    assert mine is not None
    others = [other for name in ("naive", "batched") if (other := found[name]) is not None]
    worst = max(np.abs(mine[: len(other)] - other).max() for other in others)
    print(f"largest difference of a CA: {worst:.1e}")
    peaks = {name: _peak_in_a_process(name) for name in ("bare", "ours")}
    extra = peaks["ours"] - peaks["bare"]
    print(f"peak memory: bare {peaks['bare']:.0f} MB, ours {extra:+.0f} MB; wanted: at most +50")


def _peak_in_a_process(way: str) -> float:
    command = [sys.executable, "-m", "benchmarks.probe", way]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure_peak(way: str) -> None:
    """Print this process's peak of resident memory in MB, behind `ROUNDS` passes of `way`."""
    torch.set_num_threads(THREADS)
    encoder, prompts = large_encoder(), draw_prompts()
    for _ in range(ROUNDS):
        {"ours": ours, "bare": bare}[way](encoder, prompts)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)


if __name__ == "__main__":
    measure_peak(sys.argv[1]) if len(sys.argv) > 1 else main()
