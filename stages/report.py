"""Draw all results on one self-contained page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from culturebench.artifacts import (
    adapted,
    adapter,
    adapter_results,
    agreement,
    audited,
    backbone_attention,
    circular,
    comparison,
    english,
    enhancer,
    evaluation,
    examples,
    grounded,
    groups,
    layer_check,
    neurons,
    overlaps,
    pictures,
    pins,
    plots,
    reliability,
    sae,
    silenced,
    splits,
    strength,
    study,
)
from culturebench.artifacts._json import load_json
from culturebench.artifacts.evaluation import ConfusionRow, EvaluationRow
from culturebench.artifacts.groups import GroupRow
from culturebench.artifacts.layer_probe import DIRECTORY as PROBE, LAYER_PATH, load_layer
from culturebench.artifacts.pictures import PictureRow
from culturebench.conditions import EDITS
from culturebench.evaluation.names import TEST
from culturebench.params import choose
from culturebench.params.adapters import Adapters
from culturebench.params.audit_judge import AuditJudge
from culturebench.params.audits import Audits
from culturebench.params.check_layers import CheckLayers
from culturebench.params.compare_selectors import CompareSelectors
from culturebench.params.conditions import Conditions
from culturebench.params.encoders import Encoders
from culturebench.params.evaluate import Evaluate
from culturebench.params.generate import Generate
from culturebench.params.generate_adapted import GenerateAdapted
from culturebench.params.judge import Judge
from culturebench.params.judge_reliability import JudgeReliability
from culturebench.params.judges import Judges
from culturebench.params.measure import Measure
from culturebench.params.models import Model, Models
from culturebench.params.probe_attention import ProbeAttention
from culturebench.params.probe_layers import ProbeLayers
from culturebench.params.probe_vlm import ProbeVlm
from culturebench.params.prompts import TEST_FOLDER, Prompts
from culturebench.params.questions import Questions
from culturebench.params.regions import Regions
from culturebench.params.report import Report
from culturebench.params.sampler import Sampler
from culturebench.params.select_neurons import SelectNeurons
from culturebench.params.select_vlm_neurons import SelectVlmNeurons
from culturebench.params.silence import Silence
from culturebench.params.study import Study
from culturebench.params.train_adapter import TrainAdapter
from culturebench.params.train_enhancer import TrainEnhancer
from culturebench.params.train_sae import TrainSae
from culturebench.params.tune_strength import TuneStrength
from culturebench.report import (
    adapters,
    audits,
    captions,
    categories,
    contents,
    examples as shown_examples,
    gallery,
    page,
    published,
    reliability as judge_reliability,
    study as people,
    systems,
)
from culturebench.report.results import Results
from culturebench.stage import Paths, Stage


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml; the page lists all of it, in this order."""

    regions: Regions
    encoders: Encoders
    models: Models
    judges: Judges
    conditions: Conditions
    probe_layers: ProbeLayers
    probe_attention: ProbeAttention
    check_layers: CheckLayers
    train_sae: TrainSae
    select_neurons: SelectNeurons
    sampler: Sampler
    compare_selectors: CompareSelectors
    tune_strength: TuneStrength
    train_enhancer: TrainEnhancer
    adapters: Adapters
    train_adapter: TrainAdapter
    generate_adapted: GenerateAdapted
    generate: Generate
    prompts: Prompts
    judge: Judge
    judge_reliability: JudgeReliability
    study: Study
    measure: Measure
    audits: Audits
    questions: Questions
    probe_vlm: ProbeVlm
    select_vlm_neurons: SelectVlmNeurons
    silence: Silence
    audit_judge: AuditJudge
    evaluate: Evaluate
    report: Report


def run(params: Params, inputs: Paths, outputs: Paths) -> None:
    """Gather every result and write the page."""
    regions = list(params.regions)
    rows = evaluation.load(inputs["evaluation"])
    confusion = evaluation.load_confusion(inputs["confusion"])
    grouped = groups.load(inputs["groups"])
    models = [_model(params, inputs, name, rows, confusion, grouped) for name in params.models.root]
    read = {tower for model in params.models.root.values() for tower in model.towers}
    alone = {name: _encoder(params, inputs, name) for name in _probed(params, params.encoders.root) if name not in read}
    values = {
        "models": [contents.model_values(model, regions, params.report.pixels) for model in models],
        "alone": [contents.encoder_values(name, found, regions) for name, found in alone.items()],
        "systems": systems.systems(rows, {model.name: model.paper for model in models}, regions, params.evaluate.level),
        "regions": regions,
        "level": params.evaluate.level,
        "data": contents.data_values(
            load_json(inputs["counts"], splits.STAGE),
            regions,
            {region: agreement.load(inputs["agreement"] / f"{region}.json") for region in regions},
        )
        | {
            "examples": shown_examples.values(examples.TABLE.load(inputs["examples"]), regions, params.report.pixels),
            "captions": captions.values(grounded.load_counts(inputs["captions"]), regions, params.evaluate.level),
        },
        "reliability": judge_reliability.values(
            {judge: reliability.load(inputs["reliability"] / f"{judge}.json") for judge in params.judges.root}
        ),
        "audits": audits.values({name: _audit(params, inputs, name) for name in params.audits.root}),
        "study": people.values(study.load(inputs["study"]), _paper(models, params.study)),
        "pins": contents.pin_values([_pin(path) for path in sorted(inputs["pins"].glob("*.json"))]),
        "versions": contents.versions(_made_on(models, alone.values())),
        "params": contents.params_values(
            {section.name: getattr(params, section.name).model_dump(mode="json") for section in fields(params)}
        ),
    }
    outputs["page"].parent.mkdir(parents=True, exist_ok=True)
    outputs["page"].write_text(page.render(values), encoding="utf-8")
    towers = [(model.name, tower, found) for model in models for tower, found in model.encoders.items()]
    _save_plots(models, [*towers, *(("", name, found) for name, found in alone.items())], outputs)


def _audit(params: Params, inputs: Paths, name: str) -> tuple[silenced.Summary, audited.Summary, bool]:
    """What silencing did, what it did to a judge, and whether the questions are the atlas's."""
    return (
        silenced.SUMMARY_FILE.load(inputs["audits"] / f"{name}.json"),
        audited.SUMMARY_FILE.load(inputs["judge_audits"] / f"{name}.json"),
        choose(params.questions, params.audits.root[name].questions).kind == "atlas",
    )


def _paper(models: Iterable[contents.ModelResults], plan: Study) -> str:
    """The paper's name of the model whose pictures people see; "" where it has none."""
    found = {model.name: model.paper for model in models}
    name = plan.root.chosen(found) if plan.root else None
    return found.get(name, "") if name else ""


def _made_on(models: Iterable[contents.ModelResults], alone: Iterable[contents.EncoderResults]) -> Iterator[str]:
    """The kind of processor of every training."""
    yield from (found.sae["made_on"] for found in (*alone, *(one for m in models for one in m.encoders.values())))
    yield from (history["made_on"] for model in models for history in model.enhancers)
    yield from (one.history["made_on"] for model in models for one in model.adapters.values())


def _save_plots(
    models: list[contents.ModelResults], towers: list[tuple[str, str, contents.EncoderResults]], outputs: Paths
) -> None:
    """The curves of the page as tables for `dvc plots`; a tower is (model or "", name, results)."""
    plots.save_layers(
        outputs["layers"],
        (
            {"model": model, "encoder": tower, **point}
            for model, tower, found in towers
            for point in found.probe["curves"]
        ),
    )
    plots.save_neurons(
        outputs["neurons"],
        ({"model": model, "encoder": tower, **row} for model, tower, found in towers for row in found.neurons),
    )
    plots.save_strength(
        outputs["strength_curves"],
        (
            {"model": model.name, "edit": edit, **point}
            for model in models
            if not model.closed
            for edit in (one.name for one in EDITS if one.tuned)
            for point in strength.tuned(model.strength, edit)["curve"]
        ),
    )


def _model(
    params: Params,
    inputs: Paths,
    name: str,
    rows: list[EvaluationRow],
    confusion: list[ConfusionRow],
    grouped: list[GroupRow],
) -> contents.ModelResults:
    chosen = params.models.root[name]
    return contents.ModelResults(
        name=name,
        adapter=chosen.adapter,
        closed=chosen.closed,
        paper=published.model_of(_repositories(params, inputs["pins"], chosen)),
        results=_results(params, rows, name),
        outside={
            prompts: contents.Outside(
                _results(params, rows, name, prompts),
                overlaps.load(inputs["prompts"] / f"{prompts}.json"),
                _shown(params, inputs, name, prompts),
            )
            for prompts, source in params.prompts.root.items()
            if source.file != TEST_FOLDER
        },
        told=overlaps.load(inputs["prompts"] / f"{TEST}.json"),
        unseen=_of_sets(params, rows, name, [s for s, at in params.prompts.root.items() if at.modifiers]),
        groups=grouped,
        english=english.load(inputs["english"] / f"{name}.json"),
        confusion=confusion,
        pictures=_shown(params, inputs, name, TEST),
        one_prompt=pictures.ONE_PROMPT.load(inputs["one_prompt"] / f"{name}.parquet"),
        encoders={tower: _encoder(params, inputs, tower) for tower in _probed(params, chosen.towers)},
        attention=backbone_attention.load(inputs["attention"] / f"{name}.json"),
        circular=circular.load(inputs["circular"]).get(name, {}),
        selectors=comparison.load(inputs["selectors"] / f"{name}.json"),
        strength=strength.load(inputs["strength"] / f"{name}.json"),
        enhancers=[] if chosen.closed else _enhancers(inputs, name),
        adapters={} if chosen.closed else {one: _adapter(inputs, name, one) for one in params.adapters.root},
    )


def _enhancers(inputs: Paths, model: str) -> list[enhancer.History]:
    return [enhancer.load_history(folder) for folder in sorted((inputs["enhancer"] / model).iterdir())]


def _adapter(inputs: Paths, model: str, name: str) -> adapters.Adapter:
    results = adapter_results.load(inputs["adapter_results"] / model / f"{name}.json")
    shown = {(one["prompt_id"], one["seed"]) for one in results["shown"]}
    made = adapted.TABLE.stream(inputs["adapted"] / model / f"{name}.parquet")
    return adapters.Adapter(
        results,
        adapter.load_history(inputs["adapter"] / model / name),
        [row for row in made if (row["prompt_id"], row["seed"]) in shown and categories.is_shown(row)],
    )


def _probed(params: Params, encoders: Iterable[str]) -> list[str]:
    return [name for name in encoders if not params.encoders.root[name].closed]


def _encoder(params: Params, inputs: Paths, name: str) -> contents.EncoderResults:
    return contents.EncoderResults(
        probe=load_layer(inputs["probe"] / name / Path(LAYER_PATH).name),
        check=layer_check.load(inputs["checks"] / f"{name}.json"),
        neurons=neurons.TABLE.load(inputs["neurons"] / f"{name}.parquet"),
        sae=sae.load_metrics(inputs["sae"] / name),
        selector=params.select_neurons.of(name).selector,
    )


def _repositories(params: Params, folder: Path, model: Model) -> list[str | None]:
    """The hub repositories of everything that the model is made of."""
    towers = [params.encoders.root[tower].pin for tower in model.towers]
    return [pins.load(folder / f"{pin}.json").repo for pin in (*towers, model.pin, model.bridge) if pin]


def _of_sets(params: Params, rows: list[EvaluationRow], model: str, sets: Sequence[str]) -> dict[str, Results]:
    return {name: _results(params, rows, model, name) for name in sets}


def _results(params: Params, rows: list[EvaluationRow], model: str, prompts: str = TEST) -> Results:
    return Results(rows, model, params.evaluate.level, prompts)


def _shown(params: Params, inputs: Paths, model: str, prompts: str) -> dict[str, dict[tuple[str, int], PictureRow]]:
    """Pictures of a set by condition: those of the report's grid that have any."""
    found: dict[str, dict[tuple[str, int], PictureRow]] = {}
    for condition in gallery.COLUMNS:
        if condition in params.conditions.all:
            rows = pictures.TABLE.load(inputs["pictures"] / model / condition / f"{prompts}.parquet")
            if rows:
                found[condition] = {(row["prompt_id"], row["seed"]): row for row in rows}
    return found


def _pin(path: Path) -> tuple[str, str, dict[str, tuple[int, str]]]:
    pin = pins.load(path)
    return pin.name, pin.folder, {name: (file.size, file.sha256) for name, file in pin.files.items()}


STAGE = Stage(
    name="report",
    run=run,
    params=Params,
    inputs={
        "evaluation": evaluation.PATH,
        "groups": groups.PATH,
        "confusion": evaluation.CONFUSION_PATH,
        "counts": splits.COUNTS,
        "captions": grounded.COUNTS,
        "examples": examples.PATH,
        "agreement": agreement.DIRECTORY,
        "reliability": reliability.DIRECTORY,
        "study": study.PATH,
        "english": english.DIRECTORY,
        "prompts": overlaps.DIRECTORY,
        "pictures": pictures.DIRECTORY,
        "one_prompt": pictures.ONE_PROMPT_DIRECTORY,
        "pins": pins.DIRECTORY,
        "circular": circular.PATH,
        "checks": layer_check.DIRECTORY,
        "sae": sae.DIRECTORY,
        "probe": PROBE,
        "attention": backbone_attention.DIRECTORY,
        "neurons": str(Path(neurons.PATH).parent),
        "selectors": comparison.DIRECTORY,
        "strength": strength.DIRECTORY,
        "enhancer": enhancer.DIRECTORY,
        "audits": silenced.SUMMARIES,
        "judge_audits": audited.SUMMARIES,
        "adapter": adapter.DIRECTORY,
        "adapted": adapted.DIRECTORY,
        "adapter_results": adapter_results.DIRECTORY,
    },
    outputs={
        "page": "reports/index.html",
        "layers": plots.LAYERS_PATH,
        "neurons": plots.NEURONS_PATH,
        "strength_curves": plots.STRENGTH_PATH,
    },
)

if __name__ == "__main__":
    STAGE.main()
