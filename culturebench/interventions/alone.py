"""What one neuron does by itself: pictures with it alone amplified or masked, beside the same without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from typing import TYPE_CHECKING

from culturebench.engine.worker import in_batches
from culturebench.interventions.edits import amplify, mask
from culturebench.measures.statistics import Bootstrap
from culturebench.measures.units import Units
from culturebench.pins import sha256_of
from culturebench.probing import sae as saes
from culturebench.text_to_image.base import EncoderEdit
from culturebench.text_to_image.prompts import text_of
from culturebench.text_to_image.sampling import CachedSampler, Shot

if TYPE_CHECKING:
    from culturebench.artifacts.cards import Effect
    from culturebench.artifacts.prompts import PromptRow
    from culturebench.conditions.record import Caption
    from culturebench.judging.asking import Shown

#: What is done -> the caption that it is done to, which is also the name of the pictures without it.
DONE: Mapping[str, Caption] = {"amplified": "noun", "masked": "cultural"}
UNEDITED: tuple[Caption, ...] = ("noun", "cultural")
#: (region, latent), or of unedited pictures (region, -1).
Neuron = tuple[str, int]
PLAIN = -1


@dataclass(frozen=True)
class Alone:
    """Edits of single latents of one autoencoder at one layer."""

    layer: int
    folder: Path  # of the autoencoder
    strength: float  # of amplifying

    def edits(self, latents: Sequence[int]) -> dict[tuple[str, int], EncoderEdit]:
        """(What is done, latent) -> the edit."""
        sae, weights = saes.load(self.folder), sha256_of(self.folder / saes.WEIGHTS_FILE)
        made: dict[tuple[str, int], EncoderEdit] = {}
        for latent in latents:
            about = {"sae": weights, "neurons": [latent]}
            strong = {"kind": "amplified", "strength": self.strength, **about}
            made["amplified", latent] = EncoderEdit(self.layer, amplify(sae, [latent], self.strength), strong)
            made["masked", latent] = EncoderEdit(self.layer, mask(sae, [latent]), {"kind": "masked", **about})
        return made


def pictures(
    sampler: CachedSampler,
    prompts: Sequence[PromptRow],
    neurons: Sequence[Neuron],
    alone: Alone,
    seeds: Sequence[int],
    batch_size: int,
) -> dict[tuple[str, Neuron], list[tuple[str, Shown]]]:
    """By (kind, neuron), each picture's prompt and row: of `noun` and `cultural` unedited, and what is done to them."""
    edits = alone.edits(sorted({latent for _, latent in neurons}))
    regions = dict.fromkeys(region for region, _ in neurons)
    cases: list[tuple[str, Neuron, Caption]] = [
        *((caption, (region, PLAIN), caption) for region in regions for caption in UNEDITED),
        *((kind, neuron, caption) for neuron in neurons for kind, caption in DONE.items()),
    ]
    planned = [
        (kind, neuron, prompt, seed, Shot(text_of(prompt, caption), seed, edits.get((kind, neuron[1]))))
        for kind, neuron, caption in cases
        for prompt, seed in product([row for row in prompts if row["region"] == neuron[0]], seeds)
    ]
    shots = [shot for *_, shot in planned]
    made = sampler.pictures(list(in_batches(shots, batch_size)), f"pictures (batches of {batch_size})")
    found: dict[tuple[str, Neuron], list[tuple[str, Shown]]] = {}
    for (kind, neuron, prompt, seed, shot), image in zip(planned, chain.from_iterable(made), strict=True):
        row: Shown = {
            "prompt_id": prompt["prompt_id"], "region": prompt["region"], "condition": kind, "seed": seed,
            "image": image,
        }  # fmt: skip
        found.setdefault((kind, neuron), []).append((shot.prompt, row))
    return found


#: 1 where the judge named the prompt's region, by (prompt id, seed).
Scores = Mapping[tuple[str, int], float]


def effects(scores: Mapping[tuple[str, Neuron], Scores], neuron: Neuron, bootstrap: Bootstrap) -> dict[str, Effect]:
    """What is done -> CultureVQA with it minus without, on the same prompts and seeds of the neuron's region."""
    return {
        kind: _effect(scores[kind, neuron], scores[caption, (neuron[0], PLAIN)], neuron[0], bootstrap)
        for kind, caption in DONE.items()
    }


def _effect(edited: Scores, plain: Scores, region: str, bootstrap: Bootstrap) -> Effect:
    units = Units("prompt", {prompt: region for prompt, _ in plain})
    found = bootstrap.difference(edited, plain, units, share=True)
    assert found is not None  # the same prompts and seeds
    return {
        "value": found.value, "low": found.low, "high": found.high, "n_prompts": found.n_prompts,
        "n_images": found.n_images,
    }  # fmt: skip
