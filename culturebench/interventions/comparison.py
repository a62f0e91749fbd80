"""Selectors of culture neurons on one causal test: mask what they pick for a region, and see whose culture goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, product
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from culturebench.engine.worker import in_batches
from culturebench.interventions.edits import mask
from culturebench.measures.statistics import Bootstrap, Estimate
from culturebench.pins import sha256_of
from culturebench.probing import sae as saes
from culturebench.probing.sae import TopKSAE
from culturebench.probing.selectors import CONTROL
from culturebench.store import key_of
from culturebench.text_to_image.prompts import text_of
from culturebench.text_to_image.sampling import CachedSampler, Intervention, Shot

if TYPE_CHECKING:
    from culturebench.artifacts.comparison import Cell, Effects, Interval
    from culturebench.artifacts.prompts import PromptRow
    from culturebench.artifacts.selected import SelectedRow
    from culturebench.judging.asking import Shown

#: 1 where the judge named the prompt's region, by (prompt id, seed).
Scores = Mapping[tuple[str, int], float]
Drops = Mapping[tuple[str, str], Scores]  # (selector, source)
#: The selector and source of the pictures without any mask.
UNMASKED = ("", "")


@dataclass(frozen=True)
class Masks:
    """The masks of every selector and region at one layer; `picked` holds rows of the artifact `selected`."""

    layer: int
    folders: Mapping[int, Path]  # SAE seed -> folder
    picked: Sequence[SelectedRow]
    _made: dict[tuple[str, str, int], Intervention | None] = field(
        default_factory=dict[tuple[str, str, int], Intervention | None]
    )
    _loaded: dict[int, tuple[TopKSAE, str]] = field(default_factory=dict[int, tuple[TopKSAE, str]])  # and its sha256

    def neurons(self, selector: str, region: str, seed: int) -> list[int]:
        """The latents that `selector` picked for `region` in the autoencoder of `seed`, ascending."""
        wanted = (selector, region, seed)
        return sorted(r["latent"] for r in self.picked if (r["selector"], r["region"], r["sae_seed"]) == wanted)

    def intervention(self, selector: str, region: str, draw: int) -> Intervention | None:
        """The mask of the region's neurons; draw d takes the autoencoder d mod n. None where there are no neurons."""
        seed = sorted(self.folders)[draw % len(self.folders)]
        key = (selector, region, seed)
        if key not in self._made:
            self._made[key] = self._mask(self.neurons(*key), seed)
        return self._made[key]

    def _mask(self, chosen: list[int], seed: int) -> Intervention | None:
        if not chosen:
            return None
        if seed not in self._loaded:
            self._loaded[seed] = (saes.load(self.folders[seed]), sha256_of(self.folders[seed] / saes.WEIGHTS_FILE))
        sae, weights = self._loaded[seed]
        return Intervention(self.layer, mask(sae, chosen), {"kind": "masked", "sae": weights, "neurons": chosen})


def masked_pictures(
    sampler: CachedSampler,
    prompts: Sequence[PromptRow],
    masks: Masks,
    selectors: Sequence[str],
    regions: Sequence[str],
    seeds: Sequence[int],
    batch_size: int,
) -> dict[tuple[str, str], list[Shown]]:
    """By (selector, source), and under `UNMASKED`, a picture of every cultural prompt and seed, as a judge takes them.

    All go through the system together, in batches of `batch_size`; what two of them have in common is drawn once.
    """
    shots: dict[str, Shot] = {}
    rows: dict[tuple[str, str], list[tuple[str, Shown]]] = {}  # each with the key of its shot
    for selector, source in [UNMASKED, *product(selectors, regions)]:
        some = rows.setdefault((selector, source), [])
        for prompt, (draw, seed) in product(prompts, enumerate(seeds)):
            done = masks.intervention(selector, source, draw) if selector else None
            shot = Shot(text_of(prompt, "cultural"), seed, done)
            key = key_of({"prompt": shot.prompt, "seed": seed, "done": done and dict(done.description)})
            shots.setdefault(key, shot)
            condition = f"{selector} {source}".strip() or "unmasked"
            row: Shown = {
                "prompt_id": prompt["prompt_id"],
                "region": prompt["region"],
                "condition": condition,
                "seed": seed,
                "image": b"",
            }
            some.append((key, row))
    made = sampler.pictures(list(in_batches(shots.values(), batch_size)), f"pictures (batches of {batch_size})")
    images = dict(zip(shots, chain.from_iterable(made), strict=True))
    return {key: [{**row, "image": images[shot]} for shot, row in some] for key, some in rows.items()}


@dataclass(frozen=True)
class Judged:
    """What the judge saw: on unmasked pictures, and on those with one selector's neurons of `source` masked."""

    region_of: Mapping[str, str]  # prompt id -> region
    plain: Scores
    masked: Mapping[tuple[str, str], Scores]  # (selector, source)


@dataclass(frozen=True)
class Compared:
    """The parts of the artifact `comparison` that follow from what the judge saw."""

    selectors: dict[str, Effects]
    matrix: list[Cell]
    unmasked: Interval | None


def compare(judged: Judged, regions: Sequence[str], bootstrap: Bootstrap, neurons: Mapping[str, float]) -> Compared:
    """Per selector the effects, and per selector, source and target the drop, all with intervals over prompts.

    A drop is CultureVQA without the mask minus that with it, on the same prompts and seeds. Several sources masked
    on one prompt are no independent evidence: `cross` is first averaged over them.
    """
    names = list(dict.fromkeys(selector for selector, _ in judged.masked))
    drops = {key: {k: judged.plain[k] - scores[k] for k in scores} for key, scores in judged.masked.items()}
    own = {name: _own(judged, drops, name, regions) for name in names}
    cross = {name: _cross(judged, drops, name, regions) for name in names}
    selectors: dict[str, Effects] = {
        name: {
            "neurons": neurons[name],
            "own": _interval(bootstrap.mean(own[name])),
            "cross": _interval(bootstrap.mean(cross[name])),
            "selective": _interval(bootstrap.difference(own[name], cross[name])),
            "beyond_random": _interval(bootstrap.difference(own[name], own[CONTROL]) if CONTROL in own else None),
        }
        for name in names
    }
    matrix: list[Cell] = [
        {"selector": name, "source": source, "target": target, "drop": one.value, "low": one.low, "high": one.high}
        for name in names
        for source in regions
        for target in regions
        for one in [bootstrap.mean(_of_region(judged, drops[name, source], target))]
    ]
    return Compared(selectors, matrix, _interval(bootstrap.mean(judged.plain)))


def _own(judged: Judged, drops: Drops, name: str, regions: Sequence[str]) -> Scores:
    return {key: drop for region in regions for key, drop in _of_region(judged, drops[name, region], region).items()}


def _cross(judged: Judged, drops: Drops, name: str, regions: Sequence[str]) -> Scores:
    """For each picture, the mean drop over the other regions whose neurons were masked."""
    return {
        key: fmean(drops[name, source][key] for source in regions if source != judged.region_of[key[0]])
        for key in judged.plain
    }


def _of_region(judged: Judged, scores: Scores, region: str) -> Scores:
    return {key: value for key, value in scores.items() if judged.region_of[key[0]] == region}


def _interval(estimate: Estimate | None) -> Interval | None:
    if estimate is None:
        return None
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n_prompts": estimate.n_prompts,
        "n_images": estimate.n_images,
    }
