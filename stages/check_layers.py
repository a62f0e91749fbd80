"""The same small push at every layer of a text encoder in turn, and the layer whose effect stands out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import cast

import numpy as np
from numpy.typing import NDArray

from culturebench.artifacts import layer_check, pins, splits
from culturebench.artifacts.pins import Pin, load as load_pin
from culturebench.artifacts.splits import SplitRow
from culturebench.engine.batches import map_batches
from culturebench.engine.worker import Cached, Worker, in_batches
from culturebench.params import choose
from culturebench.params.check_layers import CheckLayers
from culturebench.params.encoders import Encoder, Encoders
from culturebench.params.engine import Engine
from culturebench.params.probe_layers import ProbeLayers
from culturebench.params.regions import Regions
from culturebench.pins import pin_path, verified
from culturebench.probing.batch_cache import cached_passes
from culturebench.probing.causal import GOALS, Check, LayerCheck, judge
from culturebench.probing.layers import LayerTest
from culturebench.probing.pairs import Pair, pairs_of
from culturebench.stage import Paths, Stage, store_url
from culturebench.store import Store
from culturebench.text_to_image.loading import load_encoder

COLUMNS = ("picture_id", "region", "cultural", "noun", "neutral")
Effects = NDArray[np.float64]  # (pairs, goals, layers)


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    check_layers: CheckLayers
    probe_layers: ProbeLayers
    encoders: Encoders
    engine: Engine
    regions: Regions


def run(params: Params, inputs: Paths, outputs: Paths, *, encoder: str) -> None:
    """Push the train split's pairs, and store each layer's effect beside that of a culture-free modifier."""
    chosen = params.check_layers.of(encoder)
    test = params.probe_layers.of(encoder)
    source = choose(params.encoders, encoder)
    worker = Worker[Pair, Effects](
        partial(_open, source, load_pin(pin_path(inputs["pins"], source.pin)), share=chosen.share)
    )
    model = cast(LayerCheck, worker.loaded).encoder
    pairs, dropped = _pairs(splits.TABLE.load_all(inputs["train"], params.regions, COLUMNS), chosen.max_pairs)
    settings = {"kind": "layer effects", "share": chosen.share}
    cached = cached_passes(source, inputs["pins"], settings, Store(store_url()))
    measured = _measure(worker, pairs, test.batch_size, params.engine, len(model.layers), cached)
    finite = np.flatnonzero(np.isfinite(measured).all(axis=(1, 2)))
    whole = measured[finite]
    modifiers = [(pairs[i].region, pairs[i].modifier) for i in map(int, finite)]
    candidates = model.last_upstream_layer + 1
    rule = LayerTest(test.resamples, test.seed, test.level, test.alpha, chosen.min_excess)
    check = judge(whole, modifiers, candidates, rule) if len(whole) >= test.min_pairs else None
    layer_check.save(
        outputs["check"],
        {
            "layer": check.layer if check else None,
            "layers": len(model.layers),
            "share": chosen.share,
            "least_pairs": test.min_pairs,
            "pairs": len(whole),
            "dropped": {**dropped, "no_effect": len(pairs) - len(whole)},
            "points": _points(check, candidates) if check else [],
        },
    )


def _open(source: Encoder, pin: Pin, *, share: float) -> LayerCheck:
    return LayerCheck(load_encoder(source, verified(pin)), share=share)


def _pairs(rows: Sequence[SplitRow], max_pairs: int) -> tuple[list[Pair], dict[str, int]]:
    """At most `max_pairs` with a neutral prompt and captions of their own, evenly over `rows`; the rest counted."""
    pairs, dropped = pairs_of(rows)
    different = {(pair.cultural.text, pair.noun.text): pair for pair in pairs if pair.neutral is not None}
    kept = list(different.values())
    kept = kept if len(kept) <= max_pairs else [kept[i * len(kept) // max_pairs] for i in range(max_pairs)]
    neutral = sum(pair.neutral is not None for pair in pairs)
    return kept, {**dropped, "no_neutral": len(pairs) - neutral, "left_out": neutral - len(kept)}


def _measure(
    worker: Worker[Pair, Effects],
    pairs: Sequence[Pair],
    size: int,
    engine: Engine,
    layers: int,
    cached: Cached[Pair, Effects],
) -> Effects:
    batches = list(in_batches(pairs, size))
    done = map_batches(worker, batches, engine=engine, label=f"pairs (by {size})", total=len(batches), cached=cached)
    found = [cast(Effects, values) for values in chain.from_iterable(done)]
    return np.array(found, dtype=np.float64).reshape(len(pairs), len(GOALS), layers)


def _points(check: Check, candidates: int) -> list[layer_check.Point]:
    return [
        {
            "layer": layer,
            "effect": float(check.effect.delta[layer]),
            "effect_low": float(check.effect.low[layer]),
            "effect_high": float(check.effect.high[layer]),
            "control": float(check.control[layer]),
            "beyond": float(check.beyond.delta[layer]),
            "low": float(check.beyond.low[layer]),
            "high": float(check.beyond.high[layer]),
            "excess": None if np.isnan(check.beyond.excess[layer]) else float(check.beyond.excess[layer]),
            "candidate": layer < candidates,
            "marked": bool(check.marked[layer]),
        }
        for layer in range(len(check.control))
    ]


def aside(params: Params, inputs: Paths, outputs: Paths, *, encoder: str) -> None:
    """No layer checked."""
    share, least = params.check_layers.of(encoder).share, params.probe_layers.of(encoder).min_pairs
    nothing: layer_check.Check = {
        "layer": None,
        "layers": 0,
        "share": share,
        "least_pairs": least,
        "pairs": 0,
        "dropped": {},
        "points": [],
    }
    layer_check.save(outputs["check"], nothing)


STAGE = Stage(
    name="check_layers",
    run=run,
    aside=aside,
    identities=("encoder",),
    params=Params,
    inputs={"train": splits.TRAIN, "pins": pins.DIRECTORY},
    outputs={"check": layer_check.PATH},
)

if __name__ == "__main__":
    STAGE.main()
