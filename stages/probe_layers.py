"""Cultural attention at every layer of a text encoder, and the layer that it marks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import cast

import numpy as np
from numpy.typing import NDArray

from culturebench.artifacts import layer_check, layer_probe, pins, placebos, splits
from culturebench.artifacts.layer_probe import ProbeRow
from culturebench.artifacts.pins import Pin, load as load_pin
from culturebench.engine.batches import map_batches
from culturebench.engine.worker import Cached, Worker, in_batches
from culturebench.params import choose
from culturebench.params.encoders import Encoder, Encoders
from culturebench.params.engine import Engine
from culturebench.params.probe_layers import ProbeLayers
from culturebench.params.regions import Regions
from culturebench.pins import pin_path, verified
from culturebench.probing.attention import DIRECTIONS, AttentionReader, Prompt, shortest_first
from culturebench.probing.batch_cache import cached_passes
from culturebench.probing.layer_rule import Ruled, judge_layers
from culturebench.probing.layer_verdict import Verdict, named, verdict
from culturebench.probing.layers import Floats, LayerTest
from culturebench.probing.pairs import DECIDES, Pair, measure, pairs_of
from culturebench.probing.placebos import Pool, similar
from culturebench.probing.reinitialised import deltas
from culturebench.stage import Paths, Stage, store_url
from culturebench.store import Store
from culturebench.text_to_image.base import TextEncoder
from culturebench.text_to_image.cut import told_cut
from culturebench.text_to_image.loading import load_encoder

COLUMNS = ("picture_id", "region", "cultural", "noun", "neutral")


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
    reader = Worker[Prompt, NDArray[np.float64]](
        partial(_open, source, load_pin(pin_path(inputs["pins"], source.pin)), relative=relative)
    )
    model = cast(AttentionReader, reader.loaded).encoder
    pairs, dropped = pairs_of(splits.TABLE.load_all(inputs["detect"], params.regions, COLUMNS))
    if said := told_cut(model, _texts(pairs)):
        print(f"{encoder}: {said}", file=sys.stderr)
    settings = {"kind": "cultural attention", "relative": relative}
    cached = cached_passes(source, inputs["pins"], settings, Store(store_url()))
    read = partial(_read, reader, chosen.batch_size, params.engine, model, cached)
    measured = measure(read, pairs)
    layer_probe.TABLE.save(outputs["attention"], measured.rows)

    compared = [pair for pair in pairs if pair.neutral is not None]
    words = {code: placebos.load(inputs["placebos"] / f"{code}.json") for code in params.regions}
    pool = similar(model, compared, words, chosen.max_length_ratio)
    found = read([one.prompt for one in pool.placed])
    test = LayerTest(chosen.resamples, chosen.seed, chosen.level, chosen.alpha, chosen.min_excess)
    upstream = model.last_upstream_layer
    ruled = judge_layers(measured.rows, pairs, compared, pool, found, upstream + 1, test)

    direction = chosen.direction or ("later_to_earlier" if model.causal else "modifier_to_noun")
    deciding = {row["picture_id"] for row in measured.rows if row["reference"] == DECIDES}
    decided = verdict(ruled, direction, len(deciding), chosen.min_pairs, test, chosen.when_none, upstream)
    layer_probe.save_layer(
        outputs["layer"],
        {
            "layer": decided.layer,
            "layers": len(model.layers),
            "last_upstream_layer": upstream,
            "significant": decided.significant,
            "direction": direction,
            "reference": DECIDES,
            "attention_unit": chosen.attention_unit,
            "pairs": len(deciding),
            "modifiers": len({(pair.region, pair.modifier) for pair in pairs if pair.picture_id in deciding}),
            "dropped": {**dropped, **measured.dropped, **_no_neutral(measured.rows, deciding)},
            "curves": _points(ruled, model),
            "placebos": _placebos(ruled, pool),
            "reinitialised": _reinitialised(chosen, model, compared),
            "rule": _rule(chosen),
            "said": decided.said,
            "disagreement": decided.disagreement,
        },
    )
    print(_last_line(decided, layer_check.load(inputs["check"])), file=sys.stderr)


def _texts(pairs: Sequence[Pair]) -> list[tuple[str, str]]:
    every = ((pair.region, prompt) for pair in pairs for prompt in (pair.cultural, pair.noun, pair.neutral))
    return [(region, prompt.text) for region, prompt in every if prompt is not None]


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


def _no_neutral(rows: Sequence[ProbeRow], deciding: set[str]) -> dict[str, int]:
    """How many measured pairs have no neutral caption; nothing when all have."""
    without = len({row["picture_id"] for row in rows} - deciding)
    return {"no_neutral": without} if without else {}


def _points(ruled: Ruled, model: TextEncoder) -> list[layer_probe.Point]:
    return [
        {
            "reference": reference,
            "direction": direction,
            "layer": layer,
            "delta": float(curve.delta[layer]),
            "low": float(curve.low[layer]),
            "high": float(curve.high[layer]),
            "excess": _known(curve.excess[layer]),
            "p_flips": _known(curve.p[layer]),
            "p_placebos": _known(ruled.placebo_p[direction][layer]) if reference == DECIDES else None,
            "candidate": layer <= model.last_upstream_layer,
            "marked": bool(curve.marked[layer]),
        }
        for (reference, direction), curve in ruled.curves.items()
        for layer in range(len(model.layers))
    ]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _placebos(ruled: Ruled, pool: Pool) -> layer_probe.Placebos:
    return {
        "words": len({(one.region, one.word) for one in pool.placed}),
        "regions": len({one.region for one in pool.placed}),
        "tokens": pool.tokens,
        "left_out": pool.left_out,
        "band": [
            point for name, band in ruled.placebos.items() for point in _band(name, band.delta, band.low, band.high)
        ],
    }


def _reinitialised(chosen: ProbeLayers, model: TextEncoder, pairs: Sequence[Pair]) -> layer_probe.Reinitialised:
    parameters = sum(tensor.numel() for tensor in model.parameters())
    wanted = chosen.reinitialised
    if not pairs or not wanted.copies or parameters > wanted.max_parameters:
        return {"copies": 0, "parameters": parameters, "band": []}
    relative = chosen.attention_unit == "relative"
    found = deltas(model, pairs, count=wanted.copies, seed=chosen.seed, relative=relative, batch_size=chosen.batch_size)
    band = [
        point
        for column, name in enumerate(DIRECTIONS)
        if np.isfinite(found[:, column]).all()
        for point in _band(name, *(of(found[:, column], axis=0) for of in (np.mean, np.min, np.max)))
    ]
    return {"copies": wanted.copies, "parameters": parameters, "band": band}


def _band(direction: str, delta: Floats, low: Floats, high: Floats) -> list[layer_probe.BandPoint]:
    return [
        {"direction": direction, "layer": i, "delta": float(delta[i]), "low": float(low[i]), "high": float(high[i])}
        for i in range(len(delta))
    ]


def _rule(chosen: ProbeLayers) -> str:
    return (
        "Marked: a layer whose delta CA against the neutral modifier is above 0 and exceeds its neighbours' mean "
        f"by more than {chosen.min_excess:g}, beyond chance at a family-wise error of {chosen.alpha:g}, both in "
        f"{chosen.resamples} sign flips of the cultural modifiers and in as many deals of cultural and placebo "
        "modifiers; of several, the one of the largest delta CA."
    )


def _last_line(decided: Verdict, check: layer_check.Check) -> str:
    """What was decided, and who says otherwise: the other references, the causal check."""
    mark = decided.layer if decided.significant else None
    other = bool(check["points"]) and check["layer"] != mark
    said = f"The causal check marks {named(check['layer'])}." if other else ""
    return " ".join(filter(None, (decided.said, decided.disagreement, said)))


def aside(params: Params, inputs: Paths, outputs: Paths, *, encoder: str) -> None:
    """No attention, and why there is no layer."""
    layer_probe.TABLE.save(outputs["attention"], [])
    layer_probe.save_closed(outputs["layer"], choose(params.encoders, encoder).closed)


STAGE = Stage(
    name="probe_layers",
    run=run,
    aside=aside,
    identities=("encoder",),
    params=Params,
    inputs={
        "detect": splits.DETECT,
        "placebos": placebos.DIRECTORY,
        "check": layer_check.PATH,
        "pins": pins.DIRECTORY,
    },
    outputs={"attention": layer_probe.PATH, "layer": layer_probe.LAYER_PATH},
)

if __name__ == "__main__":
    STAGE.main()
