"""`culturebench plan`: what a model's run will take, before any weights are there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from culturebench.cli._shared import ROOT, cell, console
from culturebench.errors import CultureBenchError

if TYPE_CHECKING:
    from culturebench.planning.gpus import Gpu
    from culturebench.planning.measures import MeasuresPlan
    from culturebench.planning.plan import Planned, Prices

EXAMPLES = Path("examples/models")
AUDITS = Path("examples/audits")


def plan(
    model: Annotated[
        str | None,
        typer.Option(help="Of `models` in params.yaml, else of examples/models; without, all of params.yaml."),
    ] = None,
    audit: Annotated[str | None, typer.Option(help="Of `audits` in params.yaml, else of examples/audits.")] = None,
    gpu: Annotated[str, typer.Option(help="Such as h200, h100, a100, l40s.")] = "h200",
    utilisation: Annotated[
        float | None, typer.Option(help="Share of the GPU's peak that is assumed.", min=0.01, max=1.0)
    ] = None,
) -> None:
    """Print a dry plan: stages, prompts, pictures, questions, time, memory, disk and cost, all estimates."""
    if audit is not None:
        if model is not None:
            raise CultureBenchError("give either --model or --audit")
        return _audit(audit, gpu, utilisation)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # it asks for torchvision, which nothing here needs
    from culturebench.params import load_document
    from culturebench.planning.data import data_half
    from culturebench.planning.gpus import UTILISATION, gpu_of

    chosen, share = gpu_of(gpu), utilisation or UTILISATION
    if model is None:
        document = load_document(ROOT / "params.yaml")
        entries, names = document, list(document.get("models", {}))
        if not names:
            raise CultureBenchError("`models` in params.yaml is empty; name one of examples/models by --model")
    else:
        name, entries = _entries(model)
        names = [name]
    numbers, data, sections = _numbers(entries)
    whole, rows = data_half(data, ROOT), list[Row]()
    for place, name in enumerate(names):
        console.print(f"{cell(name)} on one {chosen.name}. Everything here is an estimate; nothing was run.")
        rows += _model(name, numbers, sections, chosen, share, [] if place else whole)
    if len(names) > 1:
        console.print(f"All {len(names)} models, one after the other:")
        _sums(rows, chosen, share)


#: A stage of a plan, the seconds that loading takes in it, and those that it took when it last ran here.
Row = tuple["Planned", float | None, float | None]


def _model(
    name: str, numbers: Any, sections: dict[str, Any], gpu: Gpu, share: float, before: list[Planned]
) -> list[Row]:
    """One model's table and what is below it; `before` are the stages that are run once for all models."""
    from culturebench.planning.amounts import amounts
    from culturebench.planning.measured import measured, seconds_of
    from culturebench.planning.measures import measures_plan
    from culturebench.planning.plan import loading, planned
    from culturebench.planning.published import GeometryError, need_published

    described = sections["models"].root[name]
    encoders, pins, steps = sections["encoders"].root, sections["pins"].root, sections["sampler"].steps
    measures = measures_plan(sections["measure"], pins, ROOT, len(numbers.generate.seeds))
    missing, prices = "", None
    try:
        need_published(described)
        from culturebench.planning.counted import prices_of  # the libraries take seconds to import
        from culturebench.planning.geometry import geometry_of

        geometry = geometry_of(described, encoders, pins, ROOT, steps)
        prices = prices_of(geometry, sections["train_enhancer"], measures.picture)
    except GeometryError as error:
        missing = str(error)
    found = planned(
        amounts(described, numbers, ROOT), prices, numbers, sections["train_enhancer"], sections["judges"].root
    )
    took, owners = measured(ROOT), [name, *described.towers]
    rows: list[Row] = [
        (one, loading(one, prices), seconds_of(one.amount.stage, owners, took)) for one in [*before, *found]
    ]
    _table(rows, gpu, share)
    _measures(measures)
    if prices is None:
        console.print(f"Time, memory and disk are not estimated: {cell(missing)}")
        return rows
    _memory(prices, gpu)
    _assumed(gpu, share)
    return rows


def _assumed(gpu: Gpu, share: float) -> None:
    console.print(
        f"Assumed: {share:.0%} of {gpu.teraflops:g} TFLOP/s in bfloat16 ({gpu.source}), operations counted from "
        "the model's shapes; weights read at 2 GB a second; pictures of 1.6 bytes per pixel, each kept twice; 529 "
        "pictures per region where no split is there; questions at their most expensive, none answered from what is "
        "kept, captions each asked twice. The first two stages are run once for all models; the stages between them "
        "ask and compute little. Not in it: judges on this machine, captions from outside, people's time. `last run` "
        "is what stages of these names took here, whatever the numbers were then.",
        style="dim",
    )


def _audit(name: str, gpu: str, utilisation: float | None) -> None:
    """The plan of an audit on CVQA."""
    from culturebench.params import load_document, load_section
    from culturebench.params.audits import Audits
    from culturebench.params.pins import Pins
    from culturebench.params.questions import PublishedQuestions, Questions
    from culturebench.params.select_vlm_neurons import SelectVlmNeurons
    from culturebench.params.silence import Silence
    from culturebench.planning.audit import memory, shape_of, steps
    from culturebench.planning.gpus import UTILISATION, gpu_of, hours

    chosen, share = gpu_of(gpu), utilisation or UTILISATION
    document = load_document(ROOT / "params.yaml")
    known = sorted(path.stem for path in (ROOT / AUDITS).glob("*.yaml"))
    if name not in document.get("audits", {}):
        if name not in known:
            there = ", ".join([*document.get("audits", {}), *known])
            raise CultureBenchError(f"the audit {name!r} is neither in params.yaml nor in {AUDITS}; there are: {there}")
        entries = load_document(ROOT / AUDITS / f"{name}.yaml")
        document |= {key: {**document[key], **entries[key]} for key in ("pins", "questions", "audits")}
    how = load_section(Audits, document).root[name]
    source = load_section(Questions, document).root[how.questions]
    shape = shape_of(load_section(Pins, document).root[how.pin].repo)
    detect = source.detect if isinstance(source, PublishedQuestions) else 0.5
    found = steps(how, shape, load_section(SelectVlmNeurons, document), load_section(Silence, document), detect)
    table = Table("stage", box=None, pad_edge=False)
    for title in ("questions put", "GPU time", "disk"):
        table.add_column(title, justify="right")
    for step in found:
        time = _duration(hours(step.flops, chosen, share)) if step.flops else ""
        table.add_row(step.stage, _count(step.asked), time, _size(step.disk))
    console.print(f"{cell(name)} on CVQA, one {chosen.name}. Everything here is an estimate; nothing was run.")
    console.print(table)
    needed = memory(how, shape)
    fits = "it fits" if needed < chosen.gigabytes * 0.9e9 else "it does not fit: lower audits.*.batch"
    at_once = f"{_size(needed)} with {how.batch} questions at once"
    console.print(f"Weights {_size(2 * shape.weights)}; in memory {at_once}: {fits}.")
    console.print(
        f"Assumed: {share:.0%} of {chosen.teraflops:g} TFLOP/s in bfloat16 ({chosen.source}); {shape.tokens:,} tokens "
        "a picture, which is the most; shapes as published configs are quoted. Not in it: loading, decoding pictures.",
        style="dim",
    )


def _entries(model: str) -> tuple[str, dict[str, Any]]:
    """The model's name and the document that has it: params.yaml, or with the example's entries put into it."""
    from culturebench.params import load_document

    document = load_document(ROOT / "params.yaml")
    name = model if model in document.get("models", {}) else model.replace("-", "_")
    if name in document.get("models", {}):
        return name, document
    examples = sorted((ROOT / EXAMPLES).glob("*.yaml"))
    path = ROOT / EXAMPLES / f"{name}.yaml"
    if path not in examples:
        known = ", ".join([*document.get("models", {}), *(example.stem for example in examples)])
        raise CultureBenchError(f"the model {model!r} is neither in params.yaml nor in {EXAMPLES}; there are: {known}")
    entries = load_document(path)
    pins = {**document["pins"], **entries["pins"]}
    return name, {**document, "pins": pins, "encoders": entries["encoders"], "models": entries["models"]}


def _numbers(document: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    from culturebench.params import load_section
    from culturebench.params.adapters import Adapters
    from culturebench.params.caption import Caption
    from culturebench.params.check_layers import CheckLayers
    from culturebench.params.collect import Collect
    from culturebench.params.compare_selectors import CompareSelectors
    from culturebench.params.conditions import Conditions
    from culturebench.params.describe_neurons import DescribeNeurons
    from culturebench.params.encoders import Encoders
    from culturebench.params.generate import Generate
    from culturebench.params.generate_adapted import GenerateAdapted
    from culturebench.params.judge_reliability import JudgeReliability
    from culturebench.params.judges import Judges
    from culturebench.params.measure import Measure
    from culturebench.params.models import Models
    from culturebench.params.pins import Pins
    from culturebench.params.probe_attention import ProbeAttention
    from culturebench.params.prompts import Prompts
    from culturebench.params.regions import Regions
    from culturebench.params.sampler import Sampler
    from culturebench.params.split import Split
    from culturebench.params.train_adapter import TrainAdapter
    from culturebench.params.train_enhancer import TrainEnhancer
    from culturebench.params.train_sae import TrainSae
    from culturebench.params.tune_strength import TuneStrength
    from culturebench.planning.amounts import Numbers
    from culturebench.planning.data import DataHalf

    kinds = (
        Adapters, Caption, CheckLayers, Collect, CompareSelectors, Conditions, DescribeNeurons, Encoders, Generate,
        GenerateAdapted, JudgeReliability, Judges, Measure, Models, Pins, ProbeAttention, Prompts, Regions, Sampler,
        Split, TrainAdapter, TrainEnhancer, TrainSae, TuneStrength,
    )  # fmt: skip
    read: dict[str, Any] = {kind.section: load_section(kind, document) for kind in kinds}
    numbers = Numbers(
        regions=list(read["regions"]), conditions=read["conditions"], prompts=read["prompts"],
        generate=read["generate"], tune=read["tune_strength"], sae=read["train_sae"], split=read["split"],
        sites=list(document.get("sites", [])),
        check=read["check_layers"], selectors=read["compare_selectors"], cards=read["describe_neurons"],
        reliability=read["judge_reliability"], attention=read["probe_attention"],
        adapters=read["adapters"], adapter=read["train_adapter"], adapted=read["generate_adapted"],
        unprobed=frozenset(name for name, entry in read["encoders"].root.items() if entry.closed),
    )  # fmt: skip
    return numbers, DataHalf(list(read["regions"]), read["collect"], read["caption"]), read


def _table(rows: list[Row], gpu: Gpu, share: float) -> None:
    from culturebench.planning.gpus import hours

    table = _headed("stage")
    for entry, loading, took in rows:
        amount = entry.amount
        time = "" if entry.cost is None else _duration(hours(entry.cost.flops, gpu, share))
        table.add_row(
            cell(amount.stage), *map(_count, (amount.prompts, amount.images, amount.pictures, amount.calls)), time,
            _seconds(loading), _seconds(took), _size(entry.disk),
            "" if entry.dollars is None else f"${entry.dollars:,.2f}",
        )  # fmt: skip
    _sum(table, rows, gpu, share)
    console.print(table)


def _sums(rows: list[Row], gpu: Gpu, share: float) -> None:
    table = _headed("")
    _sum(table, rows, gpu, share)
    console.print(table)


def _headed(first: str) -> Table:
    table = Table(first, box=None, pad_edge=False)
    for title in ("prompts", "images", "read", "calls", "GPU time", "loading", "last run", "disk", "API cost"):
        table.add_column(title, justify="right")
    return table


def _sum(table: Table, rows: list[Row], gpu: Gpu, share: float) -> None:
    from culturebench.planning.gpus import hours

    found = [entry for entry, _, _ in rows]
    paid = [entry.dollars for entry in found if entry.dollars is not None]
    costs = [entry.cost.flops for entry in found if entry.cost]
    table.add_row(
        "all", "", _count(sum(entry.amount.images for entry in found)), "",
        _count(sum(entry.amount.calls for entry in found)),
        _duration(hours(sum(costs), gpu, share)) if costs else "",
        _seconds(sum(loading or 0 for _, loading, _ in rows)), _seconds(sum(took or 0 for _, _, took in rows)),
        _size(sum(entry.disk for entry in found)), f"at most ${sum(paid):,.2f}" if paid else "$0", style="bold",
    )  # fmt: skip


def _seconds(seconds: float | None) -> str:
    return _duration(seconds / 3600) if seconds else ""


def _measures(measures: MeasuresPlan) -> None:
    if measures.missing:
        console.print(f"Measures without weights in `measure`, so not run: {cell(', '.join(measures.missing))}.")
    if measures.unknown:
        console.print(f"Measures whose time is not in it, for want of a config: {cell(', '.join(measures.unknown))}.")


def _memory(prices: Prices, gpu: Gpu) -> None:
    from culturebench.planning.plan import fitting

    at_once = fitting(gpu.gigabytes, prices.weights, prices.picture.peak)
    advice = f"{at_once} at once" if at_once else "none: set models.*.runtime.offload: model"
    console.print(f"Weights {_size(prices.weights)}, in memory and on disk.")
    console.print(f"Pictures: {_size(prices.picture.peak)} each beside them; of {gpu.gigabytes:g} GB: {advice}.")
    plain, saving = (fitting(gpu.gigabytes, prices.weights, cost.peak) > 0 for cost in (prices.step, prices.saving))
    fits = "it fits" if plain else "it fits with gradient checkpointing" if saving else "it does not fit"
    console.print(
        f"Training an enhancer: {_size(prices.step.peak)} beside them, {_size(prices.saving.peak)} with gradient "
        f"checkpointing: {fits}."
    )


def _count(number: int) -> str:
    return f"{number:,}" if number else ""


def _size(size: float) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 5e7 else f"{size / 1e6:,.1f} MB" if size else ""


def _duration(time: float) -> str:
    if time >= 1:
        return f"{time:,.1f} h"
    return f"{time * 60:.1f} min" if time >= 1 / 60 else f"{time * 3600:.2g} s"
