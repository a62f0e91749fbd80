"""A card for each culture neuron of a model's edited tower: what fires it, who shares it, what it does alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from culturebench.artifacts import binding, cards, neurons, pins, sae, splits, towers
from culturebench.artifacts.cards import KINDS, Card, CardPictureRow, Cards, Effect
from culturebench.artifacts.neurons import NeuronRow
from culturebench.artifacts.splits import SplitRow
from culturebench.interventions.alone import DONE, PLAIN, Alone, Neuron, effects, pictures
from culturebench.judging.asking import Shown, ask, open_judge
from culturebench.measures.right import right
from culturebench.measures.statistics import Bootstrap
from culturebench.params import choose
from culturebench.params.describe_neurons import DescribeNeurons
from culturebench.params.engine import Engine
from culturebench.params.judges import Judges
from culturebench.params.models import Models
from culturebench.params.regions import Regions
from culturebench.params.sampler import Sampler
from culturebench.params.select_neurons import SelectNeurons
from culturebench.probing import sae as saes
from culturebench.probing.cards import Reading, Told, nearest, strongest, twins
from culturebench.probing.directions import english_nouns
from culturebench.probing.pairs import pairs_of
from culturebench.probing.probed import Probed, open_probed
from culturebench.report.cards import page
from culturebench.stage import Paths, Stage, secret, store_url
from culturebench.store import Store
from culturebench.text_to_image.prompts import COLUMNS, select_prompts
from culturebench.text_to_image.systems import edited_tower, load_towers, open_sampler

OF_DETECT = ("picture_id", "region", "subdivision", "cultural", "noun", "neutral", "noun_en")
Drawn = dict[tuple[str, Neuron], list[tuple[str, Shown]]]


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    describe_neurons: DescribeNeurons
    engine: Engine
    judges: Judges
    models: Models
    regions: Regions
    sampler: Sampler
    select_neurons: SelectNeurons


def run(params: Params, inputs: Paths, outputs: Paths, *, model: str) -> None:
    """Describe the culture neurons of the first autoencoder, and draw the highest of each region alone."""
    numbers, tower = params.describe_neurons, edited_tower(choose(params.models, model))
    folder = binding.sae_folder(inputs["bound"], tower)
    seeds = sae.seeds(folder)
    rows = neurons.TABLE.load(binding.neurons_path(inputs["bound"], tower))
    chosen = _chosen(rows, list(params.regions), min(seeds))
    trained = {seed: saes.load(sae.seed_folder(folder, seed)) for seed in seeds}
    layer = binding.layer_path(inputs["bound"], tower)
    probed = open_probed(load_towers(inputs["towers"])[tower], inputs["system"], layer)
    alone = Alone(probed.layer, sae.seed_folder(folder, min(seeds)), numbers.amplify)
    pictured = [(region, row["latent"]) for region, some in chosen.items() for row in some[: numbers.pictured]]
    drawn, prompts = _drawn(params, inputs, model, pictured, alone)
    found: Cards = {
        "encoder": tower,
        "layer": probed.layer,
        "sae_seed": min(seeds),
        "positions": params.select_neurons.of(tower).positions,
        "judge": numbers.judge,
        "amplify": numbers.amplify,
        "prompts": prompts,
        "seeds": list(numbers.seeds),
        "cards": _cards(
            chosen,
            rows,
            trained,
            _reading(params, probed, tower, trained[min(seeds)]),
            splits.TABLE.load_all(inputs["detect"], list(params.regions), OF_DETECT),
            _effects(params, inputs, drawn, pictured),
            numbers,
        ),
    }
    shown = _shown(drawn, pictured)
    cards.save(outputs["cards"], found)
    cards.TABLE.save(outputs["pictures"], shown)
    outputs["page"].write_text(page(model, choose(params.models, model).adapter, found, shown), encoding="utf-8")


def _chosen(rows: Sequence[NeuronRow], regions: Sequence[str], seed: int) -> dict[str, list[NeuronRow]]:
    """Region -> its culture neurons in one autoencoder, the highest score first."""
    own = sorted((row for row in rows if row["selected"] and row["sae_seed"] == seed), key=lambda row: row["rank"])
    return {region: [row for row in own if row["region"] == region] for region in regions}


def _drawn(params: Params, inputs: Paths, model: str, pictured: Sequence[Neuron], alone: Alone) -> tuple[Drawn, int]:
    """Pictures of single neurons, and of how many prompts; none where none is to be pictured."""
    if not pictured:
        return {}, 0
    numbers, regions = params.describe_neurons, list(dict.fromkeys(region for region, _ in pictured))
    rows = splits.TABLE.load_all(inputs["train"], regions, COLUMNS)
    prompts = select_prompts(rows, regions, numbers.prompts_per_region)
    steps, store = params.sampler.steps, Store(store_url())
    sampler = open_sampler(
        choose(params.models, model), inputs["towers"], inputs["system"], steps, store, params.engine
    )
    return pictures(sampler, prompts, pictured, alone, numbers.seeds, params.sampler.batch_size), len(prompts)


def _effects(
    params: Params, inputs: Paths, drawn: Drawn, pictured: Sequence[Neuron]
) -> dict[Neuron, dict[str, Effect]]:
    """Neuron -> what is done to it alone -> its effect on CultureVQA, by the judge of params."""
    if not drawn:
        return {}
    numbers, store = params.describe_neurons, Store(store_url())
    bound = inputs["judges"] / numbers.judge
    judge = open_judge(choose(params.judges, numbers.judge), bound, params.engine, store, secret)
    shown = [row for some in drawn.values() for _, row in some]
    answers = iter(ask(judge, shown, list(params.regions), numbers.seed))
    scores = {key: right(islice(answers, len(some))) for key, some in drawn.items()}
    bootstrap = Bootstrap(numbers.resamples, numbers.seed, numbers.level)
    return {neuron: effects(scores, neuron, bootstrap) for neuron in pictured}


def _reading(params: Params, probed: Probed, tower: str, sae: saes.TopKSAE) -> Reading:
    chosen = params.select_neurons.of(tower)
    return Reading(probed, sae, chosen.positions, chosen.pool, chosen.batch_size)


def _told(rows: Sequence[SplitRow]) -> list[Told]:
    """The prompts of detect pairs, in their language, and their nouns in English where rows have these."""
    known = {row["picture_id"]: row for row in rows}
    found: list[Told] = []
    for pair in pairs_of(rows)[0]:
        row = known[pair.picture_id]
        found += [
            Told(pair.region, row["cultural"]["language"], pair.cultural),
            Told(pair.region, row["noun"]["language"], pair.noun),
        ]
    english = zip(rows, english_nouns(rows), strict=True)
    return [*found, *(Told(row["region"], "en", prompt) for row, prompt in english if prompt is not None)]


def _cards(
    chosen: Mapping[str, Sequence[NeuronRow]],
    rows: Sequence[NeuronRow],
    trained: Mapping[int, saes.TopKSAE],
    reading: Reading,
    detect: Sequence[SplitRow],
    found: Mapping[Neuron, Mapping[str, Effect]],
    numbers: DescribeNeurons,
) -> list[Card]:
    seed = min(trained)
    others = {number: one for number, one in trained.items() if number != seed}
    own = {(row["region"], row["sae_seed"], row["latent"]): row for row in rows}
    regions_of = {
        latent: [code for code in chosen if own[code, seed, latent]["selected"]]
        for latent in range(trained[seed].latents)
    }
    latents = sorted({row["latent"] for some in chosen.values() for row in some})
    fired = strongest(reading, _told(detect), latents, numbers.captions)
    return [
        {
            "region": region,
            "latent": (latent := row["latent"]),
            "rank": row["rank"],
            "score": row["score"],
            "captions": fired[latent],
            "fired": [
                {
                    "region": code,
                    "frequency": own[code, seed, latent]["frequency"],
                    "frequency_noun": own[code, seed, latent]["frequency_noun"],
                    "mean": own[code, seed, latent]["mean"],
                    "selected": own[code, seed, latent]["selected"],
                }
                for code in chosen
            ],
            "near": nearest(trained[seed], latent, numbers.near, regions_of),
            "twins": twins(trained[seed], latent, others, _selected(rows, region)),
            "amplified": found.get((region, latent), {}).get("amplified"),
            "masked": found.get((region, latent), {}).get("masked"),
        }
        for region, some in chosen.items()
        for row in some
    ]


def _selected(rows: Sequence[NeuronRow], region: str) -> dict[int, frozenset[int]]:
    """Autoencoder -> the region's culture neurons in it."""
    own = [row for row in rows if row["selected"] and row["region"] == region]
    return {
        seed: frozenset(row["latent"] for row in own if row["sae_seed"] == seed)
        for seed in {row["sae_seed"] for row in own}
    }


def _shown(drawn: Drawn, pictured: Sequence[Neuron]) -> list[CardPictureRow]:
    """Of each pictured neuron the first picture of every kind."""
    return [
        {"region": region, "latent": latent, "kind": kind, "prompt": prompt, "image": row["image"]}
        for region, latent in pictured
        for kind in KINDS
        for prompt, row in drawn[kind, (region, latent if kind in DONE else PLAIN)][:1]
    ]


def aside(params: Params, inputs: Paths, outputs: Paths, *, model: str) -> None:
    """No card, and a page that says why."""
    numbers, chosen = params.describe_neurons, choose(params.models, model)
    nothing: Cards = {
        "encoder": "",
        "layer": None,
        "sae_seed": None,
        "positions": "",
        "judge": numbers.judge,
        "amplify": numbers.amplify,
        "prompts": 0,
        "seeds": [],
        "cards": [],
    }
    cards.save(outputs["cards"], nothing)
    cards.TABLE.save(outputs["pictures"], [])
    outputs["page"].write_text(page(model, chosen.adapter, nothing, [], chosen.closed), encoding="utf-8")


STAGE = Stage(
    name="describe_neurons",
    run=run,
    aside=aside,
    identities=("model",),
    params=Params,
    inputs={
        "judges": pins.JUDGES,
        "system": pins.SYSTEM,
        "towers": towers.PATH,
        "bound": binding.PATH,
        "detect": splits.DETECT,
        "train": splits.TRAIN,
    },
    outputs={"cards": cards.PATH, "pictures": cards.PICTURES, "page": cards.PAGE},
)

if __name__ == "__main__":
    STAGE.main()
