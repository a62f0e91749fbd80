"""Cultural attention at every layer of a text encoder, and the layer that it marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import cast

import numpy as np
from numpy.typing import NDArray

from culturebench.artifacts import layer_probe, pins, splits
from culturebench.artifacts.layer_probe import ProbeRow
from culturebench.artifacts.pins import Pin, load as load_pin
from culturebench.engine.batches import map_batches
from culturebench.engine.worker import Cached, Worker, in_batches
from culturebench.errors import CultureBenchError
from culturebench.params import choose
from culturebench.params.encoders import Encoder, Encoders
from culturebench.params.engine import Engine
from culturebench.params.probe_layers import ProbeLayers
from culturebench.params.regions import Regions
from culturebench.pins import pin_path, verified
from culturebench.probing.attention import DIRECTIONS, AttentionReader, Prompt, shortest_first
from culturebench.probing.batch_cache import cached_passes
from culturebench.probing.layers import Bootstrap, Curve, delta_curve
from culturebench.probing.pairs import REFERENCES, differences, measure, pairs_of
from culturebench.stage import Paths, Stage, store_url
from culturebench.store import Store
from culturebench.text_to_image.base import TextEncoder
from culturebench.text_to_image.loading import load_encoder

COLUMNS = ("picture_id", "region", "cultural", "noun", "neutral")
Curves = dict[tuple[str, str], Curve]


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    probe_layers: ProbeLayers
    encoders: Encoders
    engine: Engine
    regions: Regions


def run(params: Params, inputs: Paths, outputs: Paths, *, encoder: str) -> None:
    """Measure every pair of the detect split, store it, and mark the layer; stop where none stands out."""
    chosen = params.probe_layers.of(encoder)
    source = choose(params.encoders, encoder)
    relative = chosen.attention_unit == "relative"
    reader = Worker(partial(_open, source, load_pin(pin_path(inputs["pins"], source.pin)), relative=relative))
    model = cast(AttentionReader, reader.loaded).encoder
    pairs, dropped = pairs_of(splits.TABLE.load_all(inputs["detect"], params.regions, COLUMNS))
    settings = {"kind": "cultural attention", "relative": relative}
    cached = cached_passes(source, inputs["pins"], settings, Store(store_url()))
    measured = measure(partial(_read, reader, chosen.batch_size, params.engine, model, cached), pairs)
    layer_probe.TABLE.save(outputs["attention"], measured.rows)

    direction = chosen.direction or ("later_to_earlier" if model.causal else "modifier_to_noun")
    curves = _curves(chosen, model, measured.rows)
    used = len(pairs) - sum(measured.dropped.values())
    layer, significant = _choose(chosen, curves.get((chosen.noun_reference, direction)), used, model)
    layer_probe.save_layer(
        outputs["layer"],
        {
            "layer": layer,
            "layers": len(model.layers),
            "last_upstream_layer": model.last_upstream_layer,
            "significant": significant,
            "direction": direction,
            "reference": chosen.noun_reference,
            "attention_unit": chosen.attention_unit,
            "pairs": used,
            "dropped": {**dropped, **measured.dropped},
            "curves": _points(curves, model),
            "rule": _rule(chosen, significant),
        },
    )


def _open(source: Encoder, pin: Pin, *, relative: bool) -> AttentionReader:
    return AttentionReader(load_encoder(source, verified(pin)), relative=relative)


def _read(
    reader: Worker[Prompt, NDArray[np.float64]],
    batch_size: int,
    engine: Engine,
    model: TextEncoder,
    cached: Cached[Prompt, NDArray[np.float64]],
    prompts: Sequence[Prompt],
) -> NDArray[np.float64]:
    order = shortest_first(model, prompts)
    batches = list(in_batches((prompts[index] for index in order), batch_size))
    label = f"prompts (by {batch_size})"
    done = map_batches(reader, batches, engine=engine, label=label, total=len(batches), cached=cached)
    found = np.empty((len(prompts), len(DIRECTIONS), len(model.layers)))
    for index, values in zip(order, chain.from_iterable(done), strict=True):
        found[index] = cast(NDArray[np.float64], values)
    return found


def _curves(chosen: ProbeLayers, model: TextEncoder, rows: list[ProbeRow]) -> Curves:
    bootstrap = Bootstrap(chosen.resamples, chosen.seed, chosen.level, chosen.alpha, chosen.min_excess)
    found = {
        (reference, direction): differences(rows, reference, direction, len(model.layers))
        for reference in REFERENCES
        for direction in DIRECTIONS
    }
    candidates = model.last_upstream_layer + 1
    return {key: delta_curve(values, candidates, bootstrap) for key, values in found.items() if len(values)}


def _choose(chosen: ProbeLayers, curve: Curve | None, pairs: int, model: TextEncoder) -> tuple[int, bool]:
    """The layer to go on with, and whether the data marked it; `CultureBenchError` for neither."""
    if curve is not None and pairs >= chosen.min_pairs and curve.layer is not None:
        return curve.layer, True
    if isinstance(chosen.when_none, int):
        if not 0 <= chosen.when_none <= model.last_upstream_layer:
            raise CultureBenchError(
                f"probe_layers.when_none: {chosen.when_none} is no layer that the backbone sees; "
                f"0 to {model.last_upstream_layer} are"
            )
        return chosen.when_none, False
    shown = "no pair has this reference" if curve is None else ", ".join(f"{value:.4f}" for value in curve.delta)
    raise CultureBenchError(
        f"no layer stands out in {pairs} pairs (at least {chosen.min_pairs} are needed); delta CA by layer: {shown}. "
        "Try another probe_layers.direction or noun_reference, or name a layer in probe_layers.when_none"
    )


def _points(curves: Curves, model: TextEncoder) -> list[layer_probe.Point]:
    return [
        {
            "reference": reference,
            "direction": direction,
            "layer": layer,
            "delta": float(curve.delta[layer]),
            "low": float(curve.low[layer]),
            "high": float(curve.high[layer]),
            "excess": None if np.isnan(curve.excess[layer]) else float(curve.excess[layer]),
            "candidate": layer <= model.last_upstream_layer,
            "marked": bool(curve.marked[layer]),
        }
        for (reference, direction), curve in curves.items()
        for layer in range(len(model.layers))
    ]


def _rule(chosen: ProbeLayers, significant: bool) -> str:
    if not significant:
        return "No layer was marked; probe_layers.when_none names this one."
    return (
        f"The largest delta CA among the layers that exceed the mean of their neighbours by {chosen.min_excess} or "
        f"more, beyond chance at a family-wise error of {chosen.alpha} ({chosen.resamples} resamples of the pairs)."
    )


STAGE = Stage(
    name="probe_layers",
    run=run,
    identities=("encoder",),
    params=Params,
    inputs={"detect": splits.DETECT, "pins": pins.DIRECTORY},
    outputs={"attention": layer_probe.PATH, "layer": layer_probe.LAYER_PATH},
)

if __name__ == "__main__":
    STAGE.main()
