"""Cultural attention in one hooked pass, beside the plain loop over `output_attentions`, on the shipped encoder.

`python -m benchmarks.probe` prints the seconds of both, interleaved on the same prompts, and their ratio.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import numpy as np
import torch

from culturebench.atlas.captions import cultural_caption
from culturebench.atlas.training.cases import draw_region, draw_scene
from culturebench.atlas.world import REGIONS
from culturebench.probing.attention import DIRECTIONS, Prompt, cultural_attention, find_roles, queries_and_keys
from culturebench.text_to_image.atlas import AtlasTextEncoder

ENCODER = Path("culturebench/atlas/weights/encoder")
PROMPTS, ROUNDS, BATCH = 256, 5, 64


def draw_prompts() -> list[Prompt]:
    """Cultural captions of random scenes, with their spans."""
    rng = np.random.default_rng(0)
    prompts: list[Prompt] = []
    for _ in range(PROMPTS):
        region = draw_region(rng)
        caption = cultural_caption(draw_scene(rng, region=region), REGIONS[region][0])
        assert caption.modifier_span is not None
        follows = caption.modifier_span > caption.noun_span
        prompts.append(Prompt(caption.text, caption.noun_span, caption.modifier_span, follows))
    return prompts


@torch.no_grad()
def plain_loop(encoder: AtlasTextEncoder, prompts: list[Prompt]) -> np.ndarray:
    """The same numbers as a reader of the paper would first write them: a prompt, a layer, a cell at a time."""
    found = np.zeros((len(prompts), len(DIRECTIONS), len(encoder.layers)))
    for row, prompt in enumerate(prompts):
        tokens = encoder.tokenize([prompt.text])
        output = encoder.roberta(tokens.ids, attention_mask=tokens.real.long(), output_attentions=True)
        roles = find_roles(tokens, 0, prompt, 0)
        for column, direction in enumerate(DIRECTIONS):
            queries, keys = queries_and_keys(roles, direction)
            for layer, weights in enumerate(output.attentions):
                cells = [float(weights[0, :, q, k].mean()) for q in queries for k in keys]
                found[row, column, layer] = np.mean(cells) * tokens.ids.shape[1]
    return found


def main() -> None:
    """Time both, alternating, and compare what they found."""
    torch.set_num_threads(1)
    encoder, prompts = AtlasTextEncoder.from_folder(ENCODER), draw_prompts()
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        found = cultural_attention(encoder, prompts, relative=True, batch_size=BATCH)
        middle = time.perf_counter()
        expected = plain_loop(encoder, prompts)
        ours.append(middle - start)
        theirs.append(time.perf_counter() - middle)
    worst = np.abs(found - expected).max()
    ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    print(f"{PROMPTS} prompts: one pass {statistics.median(ours):.2f} s, plain loop {statistics.median(theirs):.2f} s")
    print(f"the plain loop takes {ratio:.1f} times as long; largest difference {worst:.1e}")


if __name__ == "__main__":
    main()
