"""Selectors of culture neurons on one causal test: mask what they pick for a region, and see whose culture goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, product
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from culturebench.artifacts.comparison import WHOLE
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
from culturebench.text_to_image.base import EncoderEdit
from culturebench.text_to_image.prompts import text_of
from culturebench.text_to_image.sampling import CachedSampler, Shot

if TYPE_CHECKING:
    from culturebench.artifacts.comparison import Cell, Effects, Interval
    from culturebench.artifacts.prompts import PromptRow
    from culturebench.artifacts.selected import SelectedRow
    from culturebench.judging.asking import Shown

#: 1 where the judge named the prompt's region, by (prompt id, seed).
Scores = Mapping[tuple[str, int], float]


class Pick(NamedTuple):
    """What one selector picks, or the best `k` of a region's latents by its own score."""

    selector: str
    k: int | None = None  # None: all that it picked

    @property
    def size(self) -> str:
        """How the artifact `comparison` calls `k`."""
        return WHOLE if self.k is None else str(self.k)


Drops = Mapping[tuple[Pick, str], Scores]  # (pick, source)
#: The pick and source of the pictures without any mask.
UNMASKED = (Pick(""), "")


@dataclass(frozen=True)
class Masks:
    """The masks of every selector and region at one layer; `picked` holds rows of the artifact `selected`."""

    layer: int
    folders: Mapping[int, Path]  # SAE seed -> folder
    picked: Sequence[SelectedRow]
    _made: dict[tuple[Pick, str, int], EncoderEdit | None] = field(
        default_factory=dict[tuple[Pick, str, int], EncoderEdit | None]
    )
    _loaded: dict[int, tuple[TopKSAE, str]] = field(default_factory=dict[int, tuple[TopKSAE, str]])  # and its sha256

    def neurons(self, pick: Pick, region: str, seed: int) -> list[int]:
        """The latents that are picked for `region` in the autoencoder of `seed`, ascending."""
        wanted = (pick.selector, region, seed)
        found = [row for row in self.picked if (row["selector"], row["region"], row["sae_seed"]) == wanted]
        best = sorted(found, key=lambda row: (-row["score"], row["latent"]))[: pick.k]
        return sorted(row["latent"] for row in best)

    def intervention(self, pick: Pick, region: str, draw: int) -> EncoderEdit | None:
        """The mask of the region's neurons; draw d takes the autoencoder d mod n. None where there are no neurons."""
        seed = sorted(self.folders)[draw % len(self.folders)]
        key = (pick, region, seed)
        if key not in self._made:
            self._made[key] = self._mask(self.neurons(*key), seed)
        return self._made[key]

    def _mask(self, chosen: list[int], seed: int) -> EncoderEdit | None:
        if not chosen:
            return None
        if seed not in self._loaded:
            self._loaded[seed] = (saes.load(self.folders[seed]), sha256_of(self.folders[seed] / saes.WEIGHTS_FILE))
        sae, weights = self._loaded[seed]
        return EncoderEdit(self.layer, mask(sae, chosen), {"kind": "masked", "sae": weights, "neurons": chosen})


def masked_pictures(
    sampler: CachedSampler,
    prompts: Sequence[PromptRow],
    masks: Masks,
    picks: Sequence[Pick],
    targets: Mapping[str, Sequence[str]],
    seeds: Sequence[int],
    batch_size: int,
) -> dict[tuple[Pick, str], list[Shown]]:
    """By (pick, source), pictures of the source's targets' cultural prompts and seeds, as a judge takes them.

    Under `UNMASKED` there is one of every prompt.

    All go through the system together, in batches of `batch_size`; what two of them have in common is drawn once.
    """
    shots: dict[str, Shot] = {}
    rows: dict[tuple[Pick, str], list[tuple[str, Shown]]] = {}  # each with the key of its shot
    for pick, source in [UNMASKED, *product(picks, targets)]:
        some = rows.setdefault((pick, source), [])
        shown = [row for row in prompts if not source or row["region"] in targets[source]]
        for prompt, (draw, seed) in product(shown, enumerate(seeds)):
            done = masks.intervention(pick, source, draw) if source else None
            shot = Shot(text_of(prompt, "cultural"), seed, done)
            key = key_of({"prompt": shot.prompt, "seed": seed, "done": done and dict(done.description)})
            shots.setdefault(key, shot)
            condition = f"{pick.selector} {pick.size} {source}" if source else "unmasked"
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
    """What the judge saw: on unmasked pictures, and on those with what was picked for a source masked."""

    region_of: Mapping[str, str]  # prompt id -> region
    plain: Scores
    masked: Drops


@dataclass(frozen=True)
class Compared:
    """The parts of the artifact `comparison` that follow from what the judge saw."""

    selectors: dict[str, dict[str, Effects]]  # by how many neurons a region, and by selector
    matrix: list[Cell]
    unmasked: Interval | None


def compare(
    judged: Judged, regions: Sequence[str], bootstrap: Bootstrap, test: SignFlip, neurons: Mapping[Pick, float]
) -> Compared:
    """Per pick the effects, and per pick, source and target that was drawn the drop, all with intervals.

    A drop is CultureVQA without the mask minus that with it, on the same prompts and seeds. Several sources masked
    on one prompt are no independent evidence: `cross` is first averaged over them. All effects are tested, by prompt
    and by region, and corrected together.
    """
    picks = list(dict.fromkeys(pick for pick, _ in judged.masked))
    drops = {key: {k: judged.plain[k] - scores[k] for k in scores} for key, scores in judged.masked.items()}
    own = {pick: _own(judged, drops, pick, regions) for pick in picks}
    cross = {pick: _cross(judged, drops, pick, regions) for pick in picks}
    pairs: dict[tuple[Pick, str], tuple[Scores, Scores]] = {}
    for pick in picks:
        pairs[pick, "own"] = own[pick], dict.fromkeys(own[pick], 0.0)
        pairs[pick, "cross"] = cross[pick], dict.fromkeys(cross[pick], 0.0)
        pairs[pick, "selective"] = own[pick], cross[pick]
        control = Pick(CONTROL, pick.k)
        if control in own and pick != control:
            pairs[pick, "beyond_random"] = own[pick], own[control]
    found = _effects(pairs, judged.region_of, bootstrap, test)
    selectors: dict[str, dict[str, Effects]] = {}
    for pick in picks:
        selectors.setdefault(pick.size, {})[pick.selector] = {
            "neurons": neurons[pick],
            "own": found[pick, "own"],
            "cross": found[pick, "cross"],
            "selective": found[pick, "selective"],
            "beyond_random": found.get((pick, "beyond_random")),
        }
    units = Units("prompt", judged.region_of)
    matrix: list[Cell] = [
        {
            "selector": pick.selector, "k": pick.size, "source": source, "target": target,
            "drop": one.value, "low": one.low, "high": one.high,
        }
        for pick in picks
        for source in regions
        for cells in [_cells(drops[pick, source], bootstrap, units)]
        for target in regions
        if (one := cells.get(target))
    ]  # fmt: skip
    within, between = (bootstrap.mean(judged.plain, Units(by, judged.region_of), share=True) for by in UNITS)
    return Compared(selectors, matrix, _interval(within, between))


def _effects(
    pairs: Mapping[tuple[Pick, str], tuple[Scores, Scores]],
    region_of: Mapping[str, str],
    bootstrap: Bootstrap,
    test: SignFlip,
) -> dict[tuple[Pick, str], Interval]:
    """The effects with both intervals and both corrected tests."""
    by_prompt, by_region = (Units(by, region_of) for by in UNITS)
    tested = {
        units.by: holm([test.p_value(*pair, units) or 1.0 for pair in pairs.values()])
        for units in (by_prompt, by_region)
    }
    found: dict[tuple[Pick, str], Interval] = {}
    for number, (key, pair) in enumerate(pairs.items()):
        within, between = (bootstrap.difference(*pair, units, share=True) for units in (by_prompt, by_region))
        assert within and between  # each selector is tried on every region's own prompts and on another's
        found[key] = _interval(within, between, (tested["prompt"][number], tested["region"][number]))
    return found


def _cells(drops: Scores, bootstrap: Bootstrap, units: Units) -> dict[str, Estimate]:
    return bootstrap.differences_by_region(drops, dict.fromkeys(drops, 0.0), units, share=True)


def _own(judged: Judged, drops: Drops, pick: Pick, regions: Sequence[str]) -> Scores:
    return {key: drop for region in regions for key, drop in _of_region(judged, drops[pick, region], region).items()}


def _cross(judged: Judged, drops: Drops, pick: Pick, regions: Sequence[str]) -> Scores:
    """For each picture, the mean drop over the other regions whose neurons were masked on it."""
    return {
        key: fmean(
            drops[pick, source][key]
            for source in regions
            if source != judged.region_of[key[0]] and key in drops[pick, source]
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
