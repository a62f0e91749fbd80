"""How much there is to do for one model: prompts, pictures and questions of every stage, by the params alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from culturebench.artifacts import prompts as prompt_sets, splits
from culturebench.conditions import EDITS, condition
from culturebench.conditions.adapted import SETS
from culturebench.conditions.record import CAPTIONS
from culturebench.params.adapters import ALL_REGIONS
from culturebench.params.prompts import TEST, TEST_FOLDER
from culturebench.probing.selectors import selectors

if TYPE_CHECKING:
    from culturebench.params.adapters import Adapters
    from culturebench.params.check_layers import CheckLayers
    from culturebench.params.compare_selectors import CompareSelectors
    from culturebench.params.conditions import Conditions
    from culturebench.params.describe_neurons import DescribeNeurons
    from culturebench.params.generate import Generate
    from culturebench.params.generate_adapted import GenerateAdapted
    from culturebench.params.judge_reliability import JudgeReliability
    from culturebench.params.models import Model
    from culturebench.params.probe_attention import ProbeAttention
    from culturebench.params.prompts import Prompts, PromptSource
    from culturebench.params.split import Split
    from culturebench.params.train_adapter import TrainAdapter
    from culturebench.params.train_sae import TrainSae
    from culturebench.params.tune_strength import TuneStrength

#: Pictures per region where no split is there to count: the paper's 7,932 over 15 regions.
PICTURES = 529
#: Prompts of a pair that the probe reads: cultural, noun, and the noun with a neutral modifier; selection reads the
#: English noun as the third. Not counted: each placebo modifier on the pairs of one cultural modifier, and copies of a
#: small encoder.
READINGS = 3


@dataclass(frozen=True)
class Numbers:
    """The sections of params.yaml that say how much there is to do."""

    regions: list[str]
    conditions: Conditions
    prompts: Prompts
    generate: Generate
    tune: TuneStrength
    sae: TrainSae
    split: Split
    sites: list[str]
    check: CheckLayers
    selectors: CompareSelectors
    cards: DescribeNeurons
    reliability: JudgeReliability
    attention: ProbeAttention
    adapters: Adapters
    adapter: TrainAdapter
    adapted: GenerateAdapted
    unprobed: frozenset[str] = frozenset()  # encoders that are not probed


@dataclass(frozen=True)
class Amount:
    """What one stage reads, makes and asks; `tower` where it is an encoder's."""

    stage: str
    prompts: int
    images: int = 0  # that it makes
    calls: int = 0  # to each judge or model behind an endpoint that this stage asks
    tower: str = ""
    pictures: int = 0  # that it reads or collects
    loads: int = 0  # how often the whole model is loaded: once a process, and each condition has one


def rows_of(root: Path, split: str, numbers: Numbers) -> dict[str, int]:
    """Region -> pictures in a split: of its file where that is there, else as `PICTURES` and the ratios have it."""
    shares = {"train": numbers.split.train, "test": numbers.split.test, "detect": numbers.split.detect}
    expected = round(PICTURES * shares[split] / sum(shares.values()))
    files = {region: root / splits.DIRECTORIES[split] / f"{region}.parquet" for region in numbers.regions}
    return {region: pq.read_metadata(file).num_rows if file.is_file() else expected for region, file in files.items()}


def amounts(model: Model, numbers: Numbers, root: Path) -> list[Amount]:
    """Every stage that is run for the model, in order."""
    detect, train, test = (rows_of(root, split, numbers) for split in ("detect", "train", "test"))
    probed = [tower for tower in model.towers if tower not in numbers.unprobed]
    found = [amount for tower in probed for amount in _of_encoder(tower, detect, train, numbers)]
    if not model.closed:
        found += [_tuning(train, numbers), _comparison(train, numbers), _cards(detect, train, numbers)]
        found += [Amount(f"train_enhancer@{site}", sum(train.values()), loads=1) for site in numbers.sites]
    asked = [_set_of(name, source, test, numbers, root) for name, source in numbers.prompts.root.items()]
    prompts = sum(max(captions.values()) for captions in asked)
    sources = list(numbers.prompts.root.values())
    made = {
        name: sum(
            captions[condition(name).caption]
            for captions, source in zip(asked, sources, strict=True)
            if source.asks(name)
        )
        * len(numbers.generate.seeds_of(control=condition(name).control is not None))
        for stage, names in numbers.conditions.by_stage.items()
        if stage == "generate" or not model.closed
        for name in names
    }
    for stage, names in numbers.conditions.by_stage.items():
        if names and made.keys() >= set(names):
            found.append(
                Amount(
                    f"{stage} ({len(names)} conditions)", prompts, sum(made[name] for name in names), loads=len(names)
                )
            )
    if not model.closed:
        found.append(Amount("generate_one_prompt", 1, 1 + len(numbers.regions), loads=1))
        if looked := numbers.attention.root:
            images = len(numbers.regions) * (2 * looked.pairs_per_region + looked.placebos_per_region)
            found.append(Amount("probe_attention", images, images, loads=1))
    all_made = sum(made.values())
    found += [] if model.closed else _adapters(test, numbers)
    reliable = numbers.reliability
    real = _some(test, reliable.pictures_per_region)
    seen = sum(reliable.choices if form == "pictures" else 1 for form in reliable.forms)
    return [
        *found,
        Amount("judge", prompts, calls=all_made, pictures=all_made),
        Amount("judge_reliability", 0, calls=real * len(reliable.forms), pictures=real * seen),
        Amount("measure", prompts, pictures=all_made),
    ]


def _set_of(name: str, source: PromptSource, test: Mapping[str, int], numbers: Numbers, root: Path) -> dict[str, int]:
    """Caption -> prompts of a set that have it: of its file where that is there, else as the params have it.

    A file of captions from outside counts once `load_prompts` has read it.
    """
    file = root / prompt_sets.PATH.format(prompts=name)
    if file.is_file():
        rows = pq.read_table(file, columns=list(CAPTIONS)).to_pylist()
        return {caption: sum(row[caption] is not None for row in rows) for caption in CAPTIONS}
    drawn = _some(test, source.prompts_per_region or numbers.generate.prompts_per_region)
    has = CAPTIONS if name == TEST else ("cultural",) if source.file == TEST_FOLDER else ()
    return {caption: drawn if caption in has else 0 for caption in CAPTIONS}


def _adapters(test: Mapping[str, int], numbers: Numbers) -> list[Amount]:
    """Each adapter's training and its pictures; those without an adapter are made once for the same region."""
    found: list[Amount] = []
    for name, one in numbers.adapters.root.items():
        how, few = numbers.adapted, numbers.adapted.others_per_region
        everyone = one.region == ALL_REGIONS
        own = _some(test, few) if everyone else min(test.get(one.region, 0), how.prompts)
        others = 0 if everyone else _some({code: n for code, n in test.items() if code != one.region}, few)
        prompts = images = 0
        for chosen in SETS:
            some = own if chosen.own else others
            prompts += some
            images += some * (1 + (len(how.strengths) if chosen.name in how.swept else 1)) * len(how.seeds)
        rows = numbers.adapter.steps * numbers.adapter.batch_size * (2 if one.preserve else 1)
        found.append(Amount(f"train_adapter@{name}", rows))
        found.append(Amount(f"generate_adapted@{name}", prompts, images))
        found.append(Amount(f"compare_adapters@{name}", prompts, calls=images, pictures=images))
    return found


def _of_encoder(tower: str, detect: Mapping[str, int], train: Mapping[str, int], numbers: Numbers) -> list[Amount]:
    pairs = sum(detect.values())
    read = min(2 * sum(train.values()), numbers.sae.of(tower).max_prompts)
    seeds, checked = len(numbers.sae.seeds), numbers.check.of(tower).max_pairs
    return [
        Amount(f"probe_layers@{tower}", READINGS * pairs, tower=tower),
        Amount(f"check_layers@{tower}", READINGS * min(sum(train.values()), checked), tower=tower),
        Amount(f"train_sae@{tower} ({seeds} seeds)", read, tower=tower),
        Amount(f"select_neurons@{tower}", READINGS * pairs, tower=tower),
    ]


def _tuning(train: Mapping[str, int], numbers: Numbers) -> Amount:
    tune = numbers.tune
    prompts = _some(train, tune.prompts_per_region)
    images = prompts * len(tune.seeds) * sum(len(tune.grid(edit.name)) for edit in EDITS if edit.tuned)
    few = _some(train, min(tune.dose.prompts_per_region, tune.prompts_per_region))
    for edit in EDITS:
        if edit.tuned:
            kinds = {one.name for one in condition(edit.home).controls} & set(tune.dose.controls)
            images += few * len(kinds) * len(tune.dose.of(tune.grid(edit.name)))
    return Amount("tune_strength", prompts, images, images, loads=1)


def _comparison(train: Mapping[str, int], numbers: Numbers) -> Amount:
    """Unmasked pictures, and those with each selector's neurons of each drawn region masked on its targets' prompts."""
    comparison = numbers.selectors
    regions, names = comparison.drawn(numbers.regions), selectors(comparison.selectors)
    prompts = _some({region: train[region] for region in regions}, comparison.prompts_per_region)
    masks = sum(
        _some({target: train[target]}, comparison.prompts_per_region)
        for targets in comparison.targets(regions).values()
        for target in targets
    )
    images = len(comparison.seeds) * (prompts + len(comparison.k) * len(names) * masks)
    return Amount("compare_selectors", prompts, images, images, loads=1)


def _cards(detect: Mapping[str, int], train: Mapping[str, int], numbers: Numbers) -> Amount:
    """Detect captions are read, and the highest neurons of each region drawn alone beside the unedited pictures."""
    cards = numbers.cards
    prompts = _some(train, cards.prompts_per_region) if cards.pictured else 0
    images = 2 * prompts * len(cards.seeds) * (1 + cards.pictured)
    return Amount("describe_neurons", READINGS * sum(detect.values()) + prompts, images, images, loads=1)


def _some(rows: Mapping[str, int], limit: int) -> int:
    return sum(min(count, limit) for count in rows.values())
