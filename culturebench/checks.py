"""Everything that can be wrong in `params.yaml` and the region files, found before any work begins."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from culturebench import params
from culturebench.conditions import BY_NAME, ConditionError, condition, made_by
from culturebench.conditions.adapted import prompt_set
from culturebench.errors import CultureBenchError
from culturebench.interventions.adapters.overlap import refuse_overlap
from culturebench.measures.records import SCORERS, given_by
from culturebench.params import ParamsError, load_document, load_section
from culturebench.params._region import REGIONS_FOLDER
from culturebench.params.adapters import ALL_REGIONS
from culturebench.params.collect import FROM_MANIFEST
from culturebench.params.compare_selectors import CompareSelectors
from culturebench.params.conditions import STAGES
from culturebench.params.generate import Generate
from culturebench.params.generate_adapted import GenerateAdapted
from culturebench.params.measure import Measure
from culturebench.params.models import Models
from culturebench.params.prompts import Prompts
from culturebench.params.select_neurons import SelectNeurons
from culturebench.params.select_vlm_neurons import SelectVlmNeurons
from culturebench.params.study import Study
from culturebench.params.train_adapter import TrainAdapter
from culturebench.params.train_enhancer import TrainEnhancer
from culturebench.probing.selectors import selector
from culturebench.regions.check import check
from culturebench.sources.licences import UNKNOWN, normalise

#: A list that only `dvc.yaml` reads: which stages there are.
LISTS = ("sites",)
#: Sections that had another name once, and their names now.
RENAMED = {"ood": "prompts"}


def problems(root: Path) -> list[str]:
    """One sentence for each mistake; an empty list when all is well."""
    try:
        document = load_document(root / "params.yaml")
    except ParamsError as error:
        return [str(error)]
    sections = {model.section: model for model in section_models()}
    unknown = sorted(set(document) - set(sections) - set(LISTS))
    known = ", ".join(sorted([*sections, *LISTS]))
    found = [_unknown(name, known) for name in unknown]
    for model in sections.values():
        found += _complaint(lambda model=model: load_section(model, document))
    if found:
        return found
    named = [
        *_reference_problems(document),
        *_condition_problems(document),
        *_prompt_problems(document),
        *_measure_problems(document),
        *_selector_problems(document),
        *_adapter_problems(document),
        *_source_problems(document, root),
        *_study_problems(document),
        *_licence_problems(document),
    ]
    return [*check(root, document["regions"]).errors, *named]


def _unknown(name: str, known: str) -> str:
    if new := RENAMED.get(name):
        return f"params.yaml: the section `{name}` is called `{new}` now; its comment there says what it holds"
    return f"params.yaml: the section `{name}` is not known; sections: {known}"


def section_models() -> list[type[Any]]:
    """The model of every section, one a module of `culturebench.params`."""
    names = (info.name for info in pkgutil.iter_modules(params.__path__) if not info.name.startswith("_"))
    found: list[type[Any]] = []
    for name in sorted(names):
        module = importlib.import_module(f"culturebench.params.{name}")
        found += [
            value
            for value in vars(module).values()
            if isinstance(value, type) and value.__module__ == module.__name__ and hasattr(value, "section")
        ]
    return found


def _complaint(action: Any) -> list[str]:
    try:
        action()
    except CultureBenchError as error:
        return [str(error)]
    return []


def _reference_problems(document: dict[str, Any]) -> Iterator[str]:
    """A name that another section must define, and does not."""
    for name, entry in document.get("audits", {}).items():
        yield from _missing(f"audits.{name}.questions", entry["questions"], "questions", document)
    for section in ("encoders", "models", "judges", "questions", "audits"):
        for name, entry in document.get(section, {}).items():
            if "pin" in entry:
                yield from _missing(f"{section}.{name}.pin", entry["pin"], "pins", document)
            if entry.get("bridge"):
                yield from _missing(f"{section}.{name}.bridge", entry["bridge"], "pins", document)
            for tower in entry.get("towers", ()):
                yield from _missing(f"{section}.{name}.towers", tower, "encoders", document)
    if features := load_section(TrainEnhancer, document).features:
        yield from _missing("train_enhancer.perceptual.pin", features.pin, "pins", document)
    for number, entry in enumerate(document["relevance"]):
        for key in ("pin", "text"):
            yield from _missing(f"relevance.{number}.{key}", entry[key], "pins", document)
    yield from _unprobed(document)


def _unprobed(document: dict[str, Any]) -> Iterator[str]:
    """A tower that a model edits, and that nobody probes."""
    for name, model in load_section(Models, document).root.items():
        tower = model.edited or (model.towers[0] if len(model.towers) == 1 else None)
        if tower and document["encoders"].get(tower, {}).get("probed") is False:
            yield (
                f"params.yaml: encoders.{tower}.probed is false, and models.{name} edits that tower: probe it, or let "
                f"models.{name}.edited name another one"
            )


def _condition_problems(document: dict[str, Any]) -> Iterator[str]:
    """A condition without a record, of another stage, or whose enhancer is trained nowhere."""
    for key, stage in STAGES.items():
        for name in document["conditions"][key]:
            try:
                record = made_by(stage, name)
            except ConditionError as error:
                yield f"params.yaml: conditions.{key}: {error}"
                continue
            if record.site and record.site not in document["sites"]:
                yield f"params.yaml: conditions.{key}: {name} needs {record.site!r} in `sites`; add it, or drop {name}"


def _prompt_problems(document: dict[str, Any]) -> Iterator[str]:
    """A set of prompts that names a condition without a record; one that is not among `conditions` is not made."""
    for name, source in load_section(Prompts, document).root.items():
        for one in source.conditions or ():
            try:
                condition(one)
            except ConditionError as error:
                yield f"params.yaml: prompts.{name}.conditions: {error}"


def _measure_problems(document: dict[str, Any]) -> Iterator[str]:
    for key in Measure.scorers():
        yield from _complaint(lambda key=key: given_by(key))
    for key in sorted(SCORERS.keys() - set(Measure.scorers())):
        yield f"culturebench/params/measure.py has no field {key}, a scorer of culturebench/measures/records.py"
    for key, name in load_section(Measure, document).pins():
        yield from _missing(f"measure.{key}", name, "pins", document)


def _adapter_problems(document: dict[str, Any]) -> Iterator[str]:
    """A region or pin that is not there, a set of prompts without a record, concepts that CSS measures by as well."""
    known = [*document["regions"], ALL_REGIONS]
    for name, entry in document["adapters"].items():
        if (region := entry["region"]) not in known:
            yield f"params.yaml: adapters.{name}.region: {region!r} is none of `regions`; there are: {', '.join(known)}"
    training, measure = load_section(TrainAdapter, document), load_section(Measure, document)
    if document["adapters"]:
        yield from _missing("train_adapter.space", training.space, "pins", document)
    for name in load_section(GenerateAdapted, document).swept:
        yield from _complaint(lambda name=name: prompt_set(name))
    css = measure.cultural_similarity
    yield from _complaint(lambda: refuse_overlap(training.concepts, css.concepts if css else ()))


def _selector_problems(document: dict[str, Any]) -> Iterator[str]:
    named = [(f"select_neurons.{key}", name) for key, name in load_section(SelectNeurons, document).named()]
    compared = load_section(CompareSelectors, document).selectors or ()
    named += [(f"compare_selectors.selectors.{i}", name) for i, name in enumerate(compared)]
    taken = load_section(SelectVlmNeurons, document)
    named += [(f"select_vlm_neurons.selectors.{i}", name) for i, name in enumerate(taken.selectors)]
    used = {"select_vlm_neurons.matched": taken.matched, "silence.by_layer": document["silence"]["by_layer"]}
    for key, name in {**used, "audit_judge.selector": document["audit_judge"]["selector"]}.items():
        if name is not None and name not in taken.selectors:
            known = ", ".join(taken.selectors)
            yield f"params.yaml: {key}: {name!r} is not in `select_vlm_neurons.selectors`; there are: {known}"
    for key, name in named:
        yield from _complaint(lambda key=key, name=name: selector(name, f"params.yaml: {key}"))


def _source_problems(document: dict[str, Any], root: Path) -> Iterator[str]:
    known = sorted(path.stem for path in (root / REGIONS_FOLDER).glob("*.yaml"))
    for number, source in enumerate(document["collect"]["sources"]):
        named = [("regions", code) for code in sorted(set(source.get("regions") or ()))]
        named += [("region", source["region"])] if source.get("region") not in (None, FROM_MANIFEST) else []
        for key, code in named:
            if code not in known:
                where = f"params.yaml: collect.sources.{number}.{key}"
                yield f"{where}: {code!r} is no region; there are: {', '.join(known)}"


def _study_problems(document: dict[str, Any]) -> Iterator[str]:
    plan = load_section(Study, document).root
    name = plan.chosen(document["models"]) if plan else None
    if plan is None or name is None:
        return
    yield from _missing("study.model", name, "models", document)
    model = load_section(Models, document).root.get(name)
    edits = [one for one in plan.conditions if one in BY_NAME and BY_NAME[one].stage != "generate"]
    if plan.scripted is None and model and model.closed and edits:
        yield f"params.yaml: study.conditions: {name} makes no pictures of {', '.join(edits)}: {model.closed}"
    if plan.scripted and document["models"].get(name, {}).get("adapter") == "atlas":
        yield from _missing("study.scripted.judge", plan.scripted.judge, "judges", document)
    made, generate = document["conditions"]["all"], load_section(Generate, document)
    for name in plan.conditions:
        if name not in made:
            yield f"params.yaml: study.conditions: no pictures are made under {name!r}; there are: {', '.join(made)}"
            continue
        seeds = generate.seeds_of(control=condition(name).control is not None)
        if unmade := [str(seed) for seed in plan.seeds if seed not in seeds]:
            yield (
                f"params.yaml: study.seeds: {name} has no pictures with seed {', '.join(unmade)}; it has: "
                f"{', '.join(map(str, seeds))}"
            )
    wanted = sum(plan.prompts_per_region.model_dump().values())
    if wanted > generate.prompts_per_region:
        yield (
            f"params.yaml: study.prompts_per_region: {wanted} prompts of a region for three kinds, and "
            f"generate.prompts_per_region is {generate.prompts_per_region}; lower the first or raise the second"
        )


def _licence_problems(document: dict[str, Any]) -> Iterator[str]:
    """An allowed licence that no picture can have: collection would write it in another way, or not at all."""
    for number, licence in enumerate(document["screen"]["licences"]):
        if licence != UNKNOWN and (written := normalise(licence)) != licence:
            known = "no SPDX id" if written == UNKNOWN else f"never written so; write {written}"
            yield f"params.yaml: screen.licences.{number}: {licence!r} is {known} (spdx.org/licenses lists them)"


def _missing(key: str, value: str, section: str, document: dict[str, Any]) -> Iterator[str]:
    names = document.get(section, {})
    if value not in names:
        yield f"params.yaml: {key}: {value!r} is not in `{section}`; there are: {', '.join(names)}"
