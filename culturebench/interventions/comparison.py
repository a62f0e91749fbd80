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
from culturebench.measures.paired_test import SignFlip, holm
from culturebench.measures.statistics import Bootstrap, Estimate
from culturebench.measures.units import UNITS, Units
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
    targets: Mapping[str, Sequence[str]],
    seeds: Sequence[int],
    batch_size: int,
) -> dict[tuple[str, str], list[Shown]]:
    """By (selector, source), pictures of the source's targets' cultural prompts and seeds, as a judge takes them.

    Under `UNMASKED` there is one of every prompt.

    All go through the system together, in batches of `batch_size`; what two of them have in common is drawn once.
    """
    shots: dict[str, Shot] = {}
    rows: dict[tuple[str, str], list[tuple[str, Shown]]] = {}  # each with the key of its shot
    for selector, source in [UNMASKED, *product(selectors, targets)]:
        some = rows.setdefault((selector, source), [])
        shown = [row for row in prompts if not selector or row["region"] in targets[source]]
        for prompt, (draw, seed) in product(shown, enumerate(seeds)):
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


def compare(
    judged: Judged, regions: Sequence[str], bootstrap: Bootstrap, test: SignFlip, neurons: Mapping[str, float]
) -> Compared:
    """Per selector the effects, and per selector, source and target that was drawn the drop, all with intervals.

    A drop is CultureVQA without the mask minus that with it, on the same prompts and seeds. Several sources masked
    on one prompt are no independent evidence: `cross` is first averaged over them. All effects are tested, by prompt
    and by region, and corrected together.
    """
    names = list(dict.fromkeys(selector for selector, _ in judged.masked))
    drops = {key: {k: judged.plain[k] - scores[k] for k in scores} for key, scores in judged.masked.items()}
    own = {name: _own(judged, drops, name, regions) for name in names}
    cross = {name: _cross(judged, drops, name, regions) for name in names}
    pairs: dict[tuple[str, str], tuple[Scores, Scores]] = {}
    for name in names:
        pairs[name, "own"] = own[name], dict.fromkeys(own[name], 0.0)
        pairs[name, "cross"] = cross[name], dict.fromkeys(cross[name], 0.0)
        pairs[name, "selective"] = own[name], cross[name]
        if CONTROL in own and name != CONTROL:
            pairs[name, "beyond_random"] = own[name], own[CONTROL]
    found = _effects(pairs, judged.region_of, bootstrap, test)
    selectors: dict[str, Effects] = {
        name: {
            "neurons": neurons[name],
            "own": found[name, "own"],
            "cross": found[name, "cross"],
            "selective": found[name, "selective"],
            "beyond_random": found.get((name, "beyond_random")),
        }
        for name in names
    }
    units = Units("prompt", judged.region_of)
    matrix: list[Cell] = [
        {"selector": name, "source": source, "target": target, "drop": one.value, "low": one.low, "high": one.high}
        for name in names
        for source in regions
        for cells in [_cells(drops[name, source], bootstrap, units)]
        for target in regions
        if (one := cells.get(target))
    ]
    within, between = (bootstrap.mean(judged.plain, Units(by, judged.region_of), share=True) for by in UNITS)
    return Compared(selectors, matrix, _interval(within, between))


def _effects(
    pairs: Mapping[tuple[str, str], tuple[Scores, Scores]],
    region_of: Mapping[str, str],
    bootstrap: Bootstrap,
    test: SignFlip,
) -> dict[tuple[str, str], Interval]:
    """The effects with both intervals and both corrected tests."""
    by_prompt, by_region = (Units(by, region_of) for by in UNITS)
    tested = {
        units.by: holm([test.p_value(*pair, units) or 1.0 for pair in pairs.values()])
        for units in (by_prompt, by_region)
    }
    found: dict[tuple[str, str], Interval] = {}
    for number, (key, pair) in enumerate(pairs.items()):
        within, between = (bootstrap.difference(*pair, units, share=True) for units in (by_prompt, by_region))
        assert within and between  # each selector is tried on every region's own prompts and on another's
        found[key] = _interval(within, between, (tested["prompt"][number], tested["region"][number]))
    return found


def _cells(drops: Scores, bootstrap: Bootstrap, units: Units) -> dict[str, Estimate]:
    return bootstrap.differences_by_region(drops, dict.fromkeys(drops, 0.0), units, share=True)


def _own(judged: Judged, drops: Drops, name: str, regions: Sequence[str]) -> Scores:
    return {key: drop for region in regions for key, drop in _of_region(judged, drops[name, region], region).items()}


def _cross(judged: Judged, drops: Drops, name: str, regions: Sequence[str]) -> Scores:
    """For each picture, the mean drop over the other regions whose neurons were masked on it."""
    return {
        key: fmean(
            drops[name, source][key]
            for source in regions
            if source != judged.region_of[key[0]] and key in drops[name, source]
        )
        for key in judged.plain
    }


def _of_region(judged: Judged, scores: Scores, region: str) -> Scores:
    return {key: value for key, value in scores.items() if judged.region_of[key[0]] == region}


def _interval(
    within: Estimate, between: Estimate, p_values: tuple[float | None, float | None] = (None, None)
) -> Interval:
    return {
        "value": within.value,
        "low": within.low,
        "high": within.high,
        "p_value": p_values[0],
        "low_by_region": between.low,
        "high_by_region": between.high,
        "p_by_region": p_values[1],
        "n_prompts": within.n_prompts,
        "n_images": within.n_images,
    }
