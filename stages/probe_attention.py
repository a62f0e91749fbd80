"""The denoiser's attention to modifier and noun, by block and step: drawn, and deciding nothing."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial

from culturebench.artifacts import backbone_attention, pins, placebos, splits, towers
from culturebench.params import choose
from culturebench.params.models import Models
from culturebench.params.probe_attention import AttentionNumbers, ProbeAttention
from culturebench.params.regions import Regions
from culturebench.params.sampler import Sampler
from culturebench.probing.backbone import attention_of, blocks_of, some_pairs
from culturebench.probing.layers import LayerTest
from culturebench.probing.pairs import pairs_of
from culturebench.probing.placebos import similar
from culturebench.stage import Paths, Stage
from culturebench.text_to_image.backbone_attention import BackboneAttentionError, check_readable
from culturebench.text_to_image.systems import load_pinned, load_towers

COLUMNS = ("picture_id", "region", "cultural", "noun", "neutral")


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    models: Models
    probe_attention: ProbeAttention
    regions: Regions
    sampler: Sampler


def run(params: Params, inputs: Paths, outputs: Paths, *, model: str) -> None:
    """Make the pictures of a few detect pairs and placebo modifiers, and look where their places look."""
    numbers = params.probe_attention.root
    if numbers is None:
        backbone_attention.save_closed(outputs["attention"], "`probe_attention` is empty in params.yaml")
        return
    try:
        found = _read(params, numbers, inputs, model)
    except BackboneAttentionError as error:
        print(f"{model}: its denoiser's attention is not read: {error}", file=sys.stderr)
        backbone_attention.save_closed(outputs["attention"], str(error))
        return
    backbone_attention.save(outputs["attention"], found)


def _read(params: Params, numbers: AttentionNumbers, inputs: Paths, model: str) -> backbone_attention.BackboneAttention:
    system = load_pinned(
        choose(params.models, model), load_towers(inputs["towers"]), inputs["system"], params.sampler.steps
    )
    check_readable(system)
    pairs, _ = pairs_of(splits.TABLE.load_all(inputs["detect"], params.regions, COLUMNS))
    pairs = some_pairs(pairs, numbers.pairs_per_region)
    words = {
        code: placebos.load(inputs["placebos"] / f"{code}.json")[: numbers.placebos_per_region]
        for code in params.regions
    }
    pool = similar(system.encoder, pairs, words, numbers.max_length_ratio)
    if not pool.placed:
        raise BackboneAttentionError("no region has pairs with a neutral caption and placebo modifiers of their length")
    test = LayerTest(numbers.resamples, numbers.seed, numbers.level, 0.05, 0.0)
    blocks = blocks_of(pairs, pool, partial(attention_of, system, seed=numbers.seed), test)
    return {
        "closed": "",
        "pairs": len(pairs),
        "words": len({(one.region, one.word) for one in pool.placed}),
        "regions": len({one.region for one in pool.placed}),
        "blocks": blocks,
    }


def aside(params: Params, inputs: Paths, outputs: Paths, *, model: str) -> None:
    """Nothing, and why."""
    backbone_attention.save_closed(outputs["attention"], choose(params.models, model).closed)


STAGE = Stage(
    name="probe_attention",
    run=run,
    aside=aside,
    identities=("model",),
    params=Params,
    inputs={
        "system": pins.SYSTEM,
        "towers": towers.PATH,
        "detect": splits.DETECT,
        "placebos": placebos.DIRECTORY,
    },
    outputs={"attention": backbone_attention.PATH},
)

if __name__ == "__main__":
    STAGE.main()
