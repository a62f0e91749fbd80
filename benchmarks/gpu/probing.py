"""Cultural attention of a few hundred prompts, as the stage probe_layers reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from benchmarks.gpu.systems import ROOT
from benchmarks.gpu.table import Row
from benchmarks.gpu.timing import as_a_stage, in_turns, ratio, rounds, warmed
from benchmarks.probe import draw_prompts
from culturebench.params import load_document, load_section
from culturebench.params.probe_layers import ProbeLayers
from culturebench.probing.attention import AttentionReader, Prompt, shortest_first
from culturebench.text_to_image.base import TextEncoder

SEPARATOR = ", "  # in an English caption, of the thing and of what is around it


def short_prompts(scenes: int) -> list[Prompt]:
    """Cultural, noun and neutral captions of drawn scenes in English, each of a thing alone.

    The tokenizers are small ones that cut a word into its letters: whole captions would be longer than CLIP reads.
    """
    return [replace(one, text=one.text.split(SEPARATOR)[0]) for one in draw_prompts(scenes=scenes, language="en")]


def measured(encoder: TextEncoder, prompts: Sequence[Prompt], device: torch.device, budget: float) -> list[Row]:
    """Prompts a second, and how a bare pass of the same batches compares."""
    size = load_section(ProbeLayers, load_document(ROOT / "params.yaml")).batch_size
    order = shortest_first(encoder, prompts)
    batches = [[prompts[index] for index in order[start : start + size]] for start in range(0, len(order), size)]
    tokens = [encoder.tokenize([prompt.text for prompt in some]) for some in batches]
    read = AttentionReader(encoder, relative=True)

    @torch.no_grad()
    def bare() -> None:
        for some in batches:
            encoder.run(encoder.tokenize([prompt.text for prompt in some]))

    def ours() -> None:
        with as_a_stage():
            for some in batches:
                read(some)

    ways: dict[str, Callable[[], object]] = {"ours": ours, "bare": bare}
    found = in_turns(ways, device, rounds(budget, warmed(ways, device)))
    timed = found["ours"]
    padded = sum(some.ids.numel() for some in tokens) / len(prompts)
    real = sum(int(some.real.sum()) for some in tokens) / len(prompts)
    how = f"{timed.spread}; {len(prompts)} prompts of {real:.0f} tokens, {padded:.0f} with padding, by {size}"
    return [
        Row("probing", f"{len(prompts) / timed.median:.0f} prompts/s", gigabytes=timed.gigabytes, how=how),
        Row("probing beside a bare pass", f"{ratio(timed, found['bare']):.2f} times", how="as long, same batches"),
    ]
