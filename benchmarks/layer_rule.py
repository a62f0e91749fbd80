"""How often the layer rule marks a layer where there is no culture, and the right one where culture was planted.

`PYTHONPATH=.:tests/support python -m benchmarks.layer_rule` tries small encoders without culture, small encoders with
culture planted at one layer, and an encoder of params.yaml (`--encoder`, by default the atlas's) with the captions of
data/detect: in one kind of trial sets of its placebo modifiers play the culture, in the other its weights are drawn
anew. That encoder needs `dvc repro split pin_model`. Every trial is a line of `--out`, and those that stand there are
not tried again. At the end it prints the table of docs/method.md: rates with 95% intervals (Wilson).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest

from culturebench.artifacts import pins, placebos, splits
from culturebench.params import choose, load_document, load_section
from culturebench.params.encoders import Encoders
from culturebench.params.probe_layers import ProbeLayers
from culturebench.params.regions import Regions
from culturebench.pins import pin_path, verified_folder
from culturebench.probing.attention import DIRECTIONS, Prompt, cultural_attention
from culturebench.probing.layer_rule import Ruled, judge_layers
from culturebench.probing.layers import LayerTest
from culturebench.probing.pairs import DECIDES, Pair, measure, pairs_of
from culturebench.probing.placebos import Words, put, similar
from culturebench.probing.reinitialised import copies
from culturebench.text_to_image.base import TextEncoder
from culturebench.text_to_image.loading import load_encoder
from planted_attention import BRINGS, LAYERS, LOOKS, PLACEBOS, encoder, some_pairs
from small_encoder import SmallEncoder

FIRST = 9000  # seeds from here on; no test and no choice of a number saw them
COLUMNS = ("picture_id", "region", "cultural", "noun", "neutral")
Floats = NDArray[np.float64]
Read = Callable[[Sequence[Prompt]], Floats]


@dataclass(frozen=True)
class Trial:
    """One encoder with its pairs and words, and the layer that should be marked."""

    encoder: TextEncoder
    read: Read
    pairs: Sequence[Pair]
    words: Words
    wanted: int | None = None


class Remembered:
    """CA of prompts, each computed once."""

    def __init__(self, encoder: TextEncoder, relative: bool, batch_size: int) -> None:
        self._read = partial(cultural_attention, encoder, relative=relative, batch_size=batch_size)
        self._known: dict[Prompt, Floats] = {}

    def __call__(self, prompts: Sequence[Prompt]) -> Floats:
        """(prompts, directions, layers)."""
        new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in self._known]
        self._known |= zip(new, self._read(new), strict=True) if new else ()
        return np.array([self._known[prompt] for prompt in prompts])


def small(kind: str) -> Iterator[Trial]:
    """Encoders of six layers in their few words, one a seed."""
    seed = FIRST
    while True:
        planted = seed % LAYERS if kind.startswith("planted") else None
        if planted is not None:
            one: TextEncoder = encoder(seed, {planted: [LOOKS, BRINGS]}, 3.0)
        else:
            one = SmallEncoder(LAYERS, seed=seed) if kind == "random weights" else encoder(seed)
        pairs = some_pairs()
        read = partial(cultural_attention, one, relative=True, batch_size=len(pairs))
        yield Trial(one, read, pairs, {"jp": PLACEBOS}, planted)
        seed += 1


def placebo_sets(one: TextEncoder, pairs: Sequence[Pair], words: Words, chosen: ProbeLayers) -> Iterator[Trial]:
    """Trials in which placebo modifiers play the cultural ones: as many a region, each on one's pairs."""
    read = Remembered(one, chosen.attention_unit == "relative", chosen.batch_size)
    near: dict[str, list[str]] = {}
    for placed in similar(one, pairs, words, chosen.max_length_ratio).placed:
        if placed.word not in near.setdefault(placed.region, []):
            near[placed.region].append(placed.word)
    modifiers = {region: sorted({pair.modifier for pair in pairs if pair.region == region}) for region in near}
    enough = {region: known for region, known in modifiers.items() if len(near[region]) > len(known)}
    seed = FIRST
    while True:
        rng = np.random.default_rng(seed)
        drawn = {region: [str(word) for word in rng.permutation(near[region])] for region in enough}
        played = [
            replace(pair, cultural=put(pair, drawn[pair.region][enough[pair.region].index(pair.modifier)]))
            for pair in pairs
            if pair.region in enough
        ]
        yield Trial(one, read, played, {region: drawn[region][len(enough[region]) :] for region in enough})
        seed += 1


def drawn_anew(one: TextEncoder, pairs: Sequence[Pair], words: Words, chosen: ProbeLayers) -> Iterator[Trial]:
    """Copies of the encoder with other weights, on the captions as they are."""
    relative = chosen.attention_unit == "relative"
    for copy in copies(one, 10**6, FIRST):
        yield Trial(copy, Remembered(copy, relative, chosen.batch_size), pairs, words)


def tried(trial: Trial, test: LayerTest, max_ratio: float) -> Ruled:
    """The verdict of the rule."""
    pool = similar(trial.encoder, trial.pairs, trial.words, max_ratio)
    rows = measure(trial.read, trial.pairs).rows
    found = trial.read([one.prompt for one in pool.placed])
    candidates = trial.encoder.last_upstream_layer + 1
    return judge_layers(rows, trial.pairs, trial.pairs, pool, found, candidates, test)


def row(kind: str, number: int, direction: str, trial: Trial, ruled: Ruled, test: LayerTest) -> dict[str, Any]:
    """What the rule, its two parts and the paper's readings mark in the direction that decides."""
    curve = ruled.curves[DECIDES, direction]
    marks = ruled.marks(direction)
    return {
        "kind": kind,
        "number": number,
        "wanted": trial.wanted,
        "rule": marks[DECIDES],
        "any_direction": any(ruled.marks(name).get(DECIDES) is not None for name in DIRECTIONS),
        "flips": bool((curve.p <= test.alpha).any()),
        "placebos": bool((ruled.placebo_p[direction] <= test.alpha).any()),
        "zero": marks["zero"],
        "context": marks.get("context"),
    }


def main() -> None:
    """Try what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", default="atlas")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--kinds", nargs="+", default=[""], help="only kinds whose names begin so, such as placebo")
    parser.add_argument("--out", type=Path, default=Path("reports/layer_rule.jsonl"))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    chosen = load_section(ProbeLayers, load_document()).of(asked.encoder)
    test = LayerTest(chosen.resamples, chosen.seed, chosen.level, chosen.alpha, chosen.min_excess)
    real, pairs, words = _real(asked.encoder)
    own = chosen.direction or ("later_to_earlier" if real.causal else "modifier_to_noun")
    kinds: dict[str, tuple[str, Iterator[Trial]]] = {
        name: ("modifier_to_noun", small(name))
        for name in ("random attention", "random weights", "planted, strength 3")
    }
    kinds[f"placebo sets, {asked.encoder}"] = own, placebo_sets(real, pairs, words, chosen)
    kinds[f"weights drawn anew, {asked.encoder}"] = own, drawn_anew(real, pairs, words, chosen)
    kinds = {name: kind for name, kind in kinds.items() if name.startswith(tuple(asked.kinds))}
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    done = [json.loads(line) for line in asked.out.read_text().splitlines()] if asked.out.exists() else []
    known = {(found["kind"], found["number"]) for found in done}
    for kind, (direction, trials) in kinds.items():
        for number, trial in enumerate(islice(trials, asked.trials)):
            if (kind, number) not in known:
                found = row(kind, number, direction, trial, tried(trial, test, chosen.max_length_ratio), test)
                done.append(found)
                with asked.out.open("a") as file:
                    file.write(json.dumps(found) + "\n")
    for kind in kinds:
        print(_line(kind, [found for found in done if found["kind"] == kind]))


def _real(name: str) -> tuple[TextEncoder, list[Pair], Words]:
    document = load_document()
    source, regions = choose(load_section(Encoders, document), name), load_section(Regions, document)
    one = load_encoder(source, verified_folder(pin_path(Path(pins.DIRECTORY), source.pin)))
    pairs, _ = pairs_of(splits.TABLE.load_all(Path(splits.DETECT), regions, COLUMNS))
    words = {code: placebos.load(Path(placebos.PATH.format(region=code))) for code in regions}
    return one, [pair for pair in pairs if pair.neutral is not None], words


def _line(kind: str, found: Sequence[dict[str, Any]]) -> str:
    if any(one["wanted"] is not None for one in found):
        right = sum(one["rule"] == one["wanted"] for one in found)
        wrong = sum(one["rule"] not in (one["wanted"], None) for one in found)
        return f"| {kind} | {_rate(right, len(found))} right, {wrong} wrong | | | | |"
    marked = [
        sum(one["rule"] is not None for one in found),
        *(sum(one[name] for one in found) for name in ("flips", "placebos")),
        *(sum(one[name] is not None for one in found) for name in ("zero", "context")),
    ]
    return f"| {kind} | {' | '.join(_rate(count, len(found)) for count in marked)} |"


def _rate(count: int, trials: int) -> str:
    interval = binomtest(count, trials).proportion_ci(method="wilson")
    return f"{count / trials:.1%} [{interval.low:.1%}, {interval.high:.1%}]"


if __name__ == "__main__":
    main()
