"""The parts of the report as plain values, ready for the templates."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from typing import TYPE_CHECKING, Any

import yaml

from culturebench.conditions import CONDITIONS, EDITS, condition
from culturebench.evaluation.names import CULTURE
from culturebench.probing.few_layers import few_layers
from culturebench.probing.selectors import selector
from culturebench.report import (
    adapters,
    alike,
    backbone,
    charts,
    check,
    doses,
    english,
    gallery,
    groups,
    headline,
    languages,
    published,
    selectors,
    sweeps,
    tables,
    words,
)
from culturebench.report.results import Results

if TYPE_CHECKING:
    from culturebench.artifacts.agreement import Agreement
    from culturebench.artifacts.backbone_attention import BackboneAttention
    from culturebench.artifacts.comparison import Comparison
    from culturebench.artifacts.english import English
    from culturebench.artifacts.enhancer import History
    from culturebench.artifacts.evaluation import ConfusionRow
    from culturebench.artifacts.groups import GroupRow
    from culturebench.artifacts.layer_check import Check
    from culturebench.artifacts.layer_probe import Layer
    from culturebench.artifacts.neurons import NeuronRow
    from culturebench.artifacts.overlaps import Overlaps
    from culturebench.artifacts.pictures import PictureRow
    from culturebench.artifacts.sae import Metrics

    Pictures = Mapping[str, Mapping[tuple[str, int], PictureRow]]  # condition -> (prompt id, seed) -> picture row


LIBRARIES = (
    "torch", "diffusers", "transformers", "tokenizers", "numpy", "scipy", "pillow", "imagehash", "pyarrow", "dvc",
)  # fmt: skip
#: Where an enhancer was trained, and on what.
SITES = {
    "culture": "the culture layer",
    "shuffled": "the culture layer, on pictures of other regions: the null",
    "other_layer": "another layer",
}
DATA_STAGES = ("collect", "screen", "relevance", "deduplicate", "annotate", "caption", "split")


@dataclass(frozen=True)
class EncoderResults:
    """All that it found out about one text encoder; `selector` is the one whose neurons these are."""

    probe: Layer
    check: Check
    neurons: Sequence[NeuronRow]
    sae: Metrics
    selector: str


@dataclass(frozen=True)
class Outside:
    """What became of one set of captions from outside of the benchmark."""

    results: Results
    overlaps: Overlaps
    pictures: Pictures


@dataclass(frozen=True)
class ModelResults:
    """All that the pipeline found out about one text-to-image model."""

    name: str
    adapter: str
    closed: str  # why it is neither probed, edited nor trained; "" for all others
    paper: str  # the name that the paper has for it; "" for a model that is not the paper's
    results: Results
    outside: Mapping[str, Outside]  # by the name of the set
    told: Overlaps  # of the test prompts
    unseen: Mapping[str, Results]  # name of test prompts with modifiers that no split carries -> their results
    groups: Sequence[GroupRow]
    english: English
    confusion: Sequence[ConfusionRow]
    pictures: Pictures
    one_prompt: Sequence[PictureRow]
    encoders: Mapping[str, EncoderResults]
    circular: Mapping[str, str]  # measure -> why it judges its own work
    selectors: Comparison  # the comparison by masking
    strength: Mapping[str, Any]
    enhancers: Sequence[History]
    adapters: Mapping[str, adapters.Adapter]
    attention: BackboneAttention | None = None  # of the denoiser


def model_values(model: ModelResults, regions: Sequence[str], pixels: int) -> dict[str, Any]:
    """What the templates show of one model."""
    results = model.results
    return {
        "name": model.name,
        "adapter": model.adapter,
        "closed": model.closed,
        "attention": backbone.values(model.attention),
        "judges": results.judges,
        "options": len(regions),
        "counts": results.get("noun", CULTURE) or {"n_prompts": 0, "n_images": 0, "seeds": []},
        "lead": headline.lead(results),
        "layer_notes": [
            note for found in model.encoders.values() if (note := check.disagreement(found.probe, found.check))
        ],
        "findings": headline.findings(results),
        "summary": tables.summary(results),
        "main": tables.comparison(results, model.paper, tables.MAIN),
        "validation": tables.comparison(results, model.paper, tables.VALIDATION),
        "ablation": tables.comparison(results, model.paper, tables.ABLATION),
        "outside": [_outside(name, found, model.paper, regions, pixels) for name, found in model.outside.items()],
        "unseen": [_unseen(name, found) for name, found in model.unseen.items()],
        "circular": list(model.circular.values()),
        "by_region": tables.by_region(results, regions),
        "by_language": languages.by_language(results, regions, model.told),
        "settings_by_region": tables.settings_by_region(results, regions),
        "alike": alike.concentration(results, regions),
        "english": english.values(model.english, regions),
        "by_group": groups.by_group(model.groups, model.name, regions),
        "agreement": tables.agreement(results),
        "named": tables.named(results),
        "confusions": [
            matrix
            for name in (one.name for one in CONDITIONS if one.confusion)
            if (matrix := tables.confusion(model.confusion, model.name, name, regions)) is not None
        ],
        "columns": gallery.columns(model.pictures),
        "grid": gallery.grid(model.pictures, regions, pixels),
        "cards": f"neurons/{model.name}.html" if model.encoders else None,  # what describe_neurons writes beside it
        "one_prompt": gallery.one_prompt(model.one_prompt, regions, pixels),
        "encoders": [encoder_values(name, found, regions) for name, found in model.encoders.items()],
        "selectors": selectors.comparison(model.selectors, results.level),
        "strength": None if model.closed else _strength(model.strength, model.paper),
        "adapters": adapters.chapter(model.adapters, model.paper, pixels),
        "enhancers": [_enhancer(history, model.encoders) for history in model.enhancers],
    }


def _outside(name: str, found: Outside, paper: str, regions: Sequence[str], pixels: int) -> dict[str, Any]:
    return {
        "name": name,
        "counts": found.results.get("noun", CULTURE) or {"n_prompts": 0, "n_images": 0},
        "table": tables.comparison(found.results, f"{paper}{published.OUT_OF_DOMAIN}", tables.MAIN),
        "given": found.overlaps["given"],
        "dropped": [row["prompt"] for row in found.overlaps["dropped"]],
        "grid": gallery.grid(found.pictures, regions, pixels),
        "columns": gallery.columns(found.pictures),
        "published": published.out_of_domain() if paper else [],
    }


def _unseen(name: str, results: Results) -> dict[str, Any]:
    return {
        "name": name,
        "counts": results.get("cultural", CULTURE) or {"n_prompts": 0, "n_images": 0},
        "table": tables.comparison(results, "", tables.VALIDATION),
    }


def encoder_values(name: str, found: EncoderResults, regions: Sequence[str]) -> dict[str, Any]:
    """What the templates show of one text encoder."""
    return {
        "name": name,
        "probe": found.probe,
        "few_layers": [words.layer(layer, found.probe["layers"]) for layer in few_layers(found.probe)],
        "layers": charts.layer_charts(found.probe),
        "check": check.check_values(found.probe, found.check),
        "neurons": charts.neuron_charts(found.neurons, regions),
        "by_index": charts.index_charts(found.neurons, regions),
        "elbows": (elbows := sweeps.elbows(found.neurons, regions)),
        "k_decided": words.k_decided(Counter(row["decided"] for row in elbows)),
        "overlap": charts.overlap(found.neurons, regions),
        "sae": found.sae,
        "rule": selector(found.selector),
        "training": selectors.training_charts(found.sae["seeds"]),
    }


def _strength(strength: Mapping[str, Any], paper: str) -> dict[str, Any]:
    found = [
        {
            "label": label,
            "svg": charts.strength_chart(label, strength[edit.name]),
            "found": strength[edit.name].get("found", True),
            "table": sweeps.strengths(edit.name, strength[edit.name], paper),
            "dose": doses.chart(label, edit, strength[edit.name], strength["dose"].get(edit.name, [])),
        }
        for edit in EDITS
        if edit.tuned
        for label in (f"{edit.label}, from {words.inline(condition(edit.home).reference)}",)
    ]
    return {
        "rule": strength.get("rule", ""),
        "judge": strength.get("judge", "the tuning judge"),
        "charts": found,
        "sizes": doses.sizes(strength),
        "pools": doses.pools(strength["pools"]),
        "undrawn": strength["undrawn"],
    }


def _enhancer(history: History, encoders: Mapping[str, EncoderResults]) -> dict[str, Any]:
    layers = next((found.probe["layers"] for found in encoders.values()), history["layer"] + 1)
    site = SITES[history["site"]]
    where = f"{site}: {words.layer(history['layer'], layers)}"
    return {"where": where, "charts": charts.history_charts(history)}


def data_values(
    counts: Mapping[str, Any], regions: Sequence[str], agreement: Mapping[str, Agreement] | None = None
) -> dict[str, Any]:
    """The data stages with what they kept, what left and why, and each region's `agreement` of its annotators."""
    stages: list[dict[str, Any]] = []
    for name in [*DATA_STAGES, *sorted(set(counts["all"]) - set(DATA_STAGES))]:
        found = counts["all"].get(name)
        if found is None:
            continue
        reasons = [(why, n) for state in ("dropped", "waiting") for why, n in found.get(state, {}).items() if n]
        stages.append(
            {
                "name": name,
                "kept": found["kept"],
                "lost": sum(n for _, n in reasons),
                "reasons": sorted(reasons, key=lambda item: (-item[1], item[0])),
                "notes": _notes(found),
                "by_region": {
                    code: counts["regions"][code][name]["kept"] for code in regions if code in counts["regions"]
                },
            }
        )
    return {
        "stages": stages,
        "examples": {"heads": [], "rows": []},
        "captions": [],
        "groups": groups.counted(counts.get("groups", {}), regions),
        "agreement": [(code, values) for code, values in (agreement or {}).items()],
    }


def _notes(found: Mapping[str, Any]) -> list[str]:
    """What else is known of a stage's kept pictures."""
    notes = [f"{side} {found[side]}" for side in ("train", "test", "detect") if side in found]
    notes += [f"borderline {rule} {count}" for rule, count in found.get("borderline", {}).items() if count]
    if "pairs" in found:
        notes.append(f"{found['pairs']} pairs for the layer probe")
    if found.get("whole_noun"):
        notes.append(f"in {found['whole_noun']} of them nobody marked the noun, and the whole caption counts")
    if found.get("provisional"):
        notes.append(f"{found['provisional']} provisional, without a majority")
    if found.get("agreement") is not None:
        notes.append(f"annotators agree on {words.percent(found['agreement'])}")
    return notes


def pin_values(pins: Sequence[tuple[str, str, Mapping[str, tuple[int, str]]]]) -> list[dict[str, Any]]:
    """Each pin with one short hash over its files; a pin is (name, source, {path: (bytes, sha256)})."""
    values: list[dict[str, Any]] = []
    for name, source, files in pins:
        text = json.dumps({path: sha256 for path, (_, sha256) in files.items()}, sort_keys=True)
        values.append(
            {
                "name": name,
                "source": source,
                "files": len(files),
                "megabytes": sum(size for size, _ in files.values()) / 1e6,
                "hash": hashlib.sha256(text.encode()).hexdigest()[:12],
            }
        )
    return values


def versions(made_on: Iterable[str]) -> list[tuple[str, str]]:
    """Python, the libraries whose version can change a result, and the kinds of processor that trained."""
    found = [("python", python_version())]
    for name in LIBRARIES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            found.append((name, "not installed"))
    return [*found, ("trained on", ", ".join(sorted(set(made_on))))]


def params_values(sections: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each section as YAML."""
    return [
        (name, yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100).strip())
        for name, value in sections.items()
    ]
