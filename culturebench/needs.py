"""What params.yaml names and this machine lacks: weights, libraries, keys, memory, disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturebench.errors import CultureBenchError
from culturebench.pins import to_do

if TYPE_CHECKING:
    from culturebench.params.models import Model
    from culturebench.params.pins import PinSource

#: Library -> the extra that installs it.
EXTRAS = {"accelerate": "gpu", "ray": "ray", "s3fs": "s3", "openai": "pipeline"}


@dataclass(frozen=True)
class Finding:
    """One line of the diagnosis; `needed` says whether a run stops without it."""

    subject: str
    ok: bool
    detail: str
    advice: str = ""
    needed: bool = False


@dataclass(frozen=True)
class Named:
    """The sections of params.yaml that name something from outside of the project."""

    document: Mapping[str, Any]
    pins: Mapping[str, PinSource]
    models: Mapping[str, Model]


def needs(root: Path, environment: Mapping[str, str], store: str) -> Iterator[Finding]:
    """A finding for everything that params.yaml names, in a fixed order; nothing raises."""
    from culturebench.checks import problems
    from culturebench.params import load_document, load_section
    from culturebench.params.models import Models
    from culturebench.params.pins import Pins

    if wrong := problems(root):
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        yield Finding("params.yaml", False, wrong[0] + more, "run `culturebench validate`", needed=True)
        return
    document = load_document(root / "params.yaml")
    named = Named(document, load_section(Pins, document).root, load_section(Models, document).root)
    yield from _pins(named, root)
    yield from _extras(named, store)
    yield from _keys(named, environment)
    for name, model in named.models.items():
        if model.command:
            yield _worker(name, model, root)
        elif model.adapter != "atlas":
            yield from _room(name, model, named, root)


def _pins(named: Named, root: Path) -> Iterator[Finding]:
    """One line for all that are there, and one for each that is not."""
    used = _used(named)
    left = {name: what for name in used if (what := to_do(name, named.pins[name], root))}
    yield Finding("weights", True, f"{len(used) - len(left)} of {len(used)} pins that params.yaml uses are there")
    for name, what in left.items():
        yield Finding(f"pin {name}", False, f"not in {named.pins[name].folder}", what, needed=True)


def _used(named: Named) -> list[str]:
    """Pins that some entry names, and those whose folders lie inside of theirs."""
    from culturebench.params import load_section
    from culturebench.params.measure import Measure
    from culturebench.params.train_enhancer import TrainEnhancer

    entries = [
        entry
        for section in ("encoders", "models", "judges", "questions", "audits")
        for entry in named.document[section].values()
    ]
    names = {entry[key] for entry in entries for key in ("pin", "bridge") if entry.get(key)}
    names |= {entry[key] for entry in named.document["relevance"] for key in ("pin", "text")}
    features = load_section(TrainEnhancer, dict(named.document)).features
    names |= {features.pin} if features else set()
    names |= {name for _, name in load_section(Measure, dict(named.document)).pins()}
    names |= {named.document["train_adapter"]["space"]} if named.document["adapters"] else set()
    folders = [Path(named.pins[name].folder) for name in names]
    return [
        name
        for name, source in named.pins.items()
        if name in names or any(folder in Path(source.folder).parents for folder in folders)
    ]


def _extras(named: Named, store: str) -> Iterator[Finding]:
    wanted: dict[str, str] = {}
    for name, model in named.models.items():
        if model.runtime.offload != "none" or model.runtime.device_map:
            wanted["accelerate"] = f"models.{name}.runtime"
    if named.document["engine"]["kind"] == "ray":
        wanted["ray"] = "engine.kind"
    if store.startswith("s3://"):
        wanted["s3fs"] = "CULTUREBENCH_STORE"
    for name, judge in named.document["judges"].items():
        if judge["kind"] == "openai":
            wanted["openai"] = f"judges.{name}"
    for library, key in wanted.items():
        advice = f"pip install --editable '.[{EXTRAS[library]}]'"
        there = find_spec(library) is not None
        yield Finding(library, there, f"{key} needs it" if not there else f"for {key}", advice, needed=True)


def _keys(named: Named, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Variables that hold keys; their values are never shown."""
    wanted = {
        judge["key_variable"]: f"judges.{name}"
        for name, judge in named.document["judges"].items()
        if judge.get("key_variable")
    }
    caption = named.document["caption"]
    if "openai" in caption["providers"] and (variable := caption["openai"]["key_variable"]):
        wanted[variable] = "caption.openai"
    if any(source["kind"] == "google_cse" for source in named.document["collect"]["sources"]):
        wanted["GOOGLE_API_KEY"] = "collect.sources"
    for variable, key in wanted.items():
        there = bool(environment.get(variable))
        yield Finding(
            f"key of {key}",
            there,
            f"{variable} is {'set' if there else 'not set'}",
            f"export {variable}=…",
            needed=True,
        )


def _worker(name: str, model: Model, root: Path) -> Finding:
    assert model.command is not None
    program = model.command[0]
    there = shutil.which(program) is not None or (root / program).is_file()
    detail = f"{program}; {model.closed}" if there else f"models.{name}.command: there is no {program}"
    return Finding(f"worker of {name}", there, detail, f"correct models.{name}.command in params.yaml", needed=True)


def _room(name: str, model: Model, named: Named, root: Path) -> Iterator[Finding]:
    """Memory for a model with one picture, and disk for what of it is still to be fetched."""
    try:
        weights, picture = _sizes(model, named, root)
    except CultureBenchError as error:
        yield Finding(f"memory of {name}", False, f"not known: {error}", f"culturebench plan --model {name}")
        return
    memory, where = _memory()
    fits = weights + picture <= memory
    more = f"models.{name}.runtime.offload: model" if weights <= 2 * memory else "a machine with more memory"
    yield Finding(
        f"memory of {name}",
        fits or model.runtime.offload != "none",
        f"{weights / 1e9:.1f} GB of weights and {picture / 1e9:.1f} GB a picture; {where} has {memory / 1e9:.1f} GB",
        f"{more}; `culturebench plan --model {name}` tells more",
    )
    if to_do(model.pin, named.pins[model.pin], root):
        free = shutil.disk_usage(root).free
        detail = f"about {weights / 1e9:.1f} GB to fetch, {free / 1e9:.1f} GB free"
        yield Finding(f"disk for {name}", free > weights, detail, "free some; `dvc gc -w` drops what is not current")


def _sizes(model: Model, named: Named, root: Path) -> tuple[float, float]:
    """Bytes of the weights and of a picture beside them, counted from shapes; takes some seconds."""
    from culturebench.params import load_section
    from culturebench.params.encoders import Encoders
    from culturebench.planning.published import need_published

    need_published(model)
    from culturebench.planning.backbone import picture_cost
    from culturebench.planning.cost import size_of
    from culturebench.planning.geometry import geometry_of

    encoders = load_section(Encoders, dict(named.document)).root
    geometry = geometry_of(model, encoders, named.pins, root, named.document["sampler"]["steps"])
    return size_of(geometry.modules), picture_cost(geometry.system, geometry.condition).peak


def _memory() -> tuple[float, str]:
    """Bytes of the first GPU, or of this machine where it has none."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.mem_get_info()[1], torch.cuda.get_device_name(0)
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), "this machine, without a GPU,"
