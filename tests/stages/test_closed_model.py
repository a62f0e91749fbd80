"""A model behind a worker beside the atlas: stages that would reach into it stand aside, and the others run."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import painter
from culturebench.artifacts import (
    adapted,
    adapter,
    adapter_results,
    annotated,
    answers,
    cards,
    comparison,
    enhancer,
    evaluation,
    labels,
    measured,
    pictures,
    pins,
    strength,
)
from culturebench.artifacts.evaluation import EvaluationRow
from culturebench.params import load_document
from culturebench.pins import pin_folder
from stages import (
    bind_encoder,
    bind_pins,
    compare_adapters,
    compare_selectors,
    describe_neurons,
    evaluate,
    generate,
    generate_adapted,
    generate_edited,
    generate_enhanced,
    generate_one_prompt,
    judge,
    load_prompts,
    measure,
    train_adapter,
    train_enhancer,
    tune_strength,
)
from tiny_project import ADAPTER_SECTIONS as SECTIONS

NAME = "plain"
ASIDE = [
    (tune_strength, {}),
    (compare_selectors, {}),
    (describe_neurons, {}),
    (train_enhancer, {"site": "culture"}),
    (generate_edited, {"condition": "amplified"}),
    (generate_enhanced, {"condition": "enhanced"}),
    (generate_one_prompt, {}),
    (train_adapter, {"adapter": "standard"}),
    (generate_adapted, {"adapter": "standard"}),
]


def path(template: str, **identity: str) -> Path:
    return Path(template.format(model=NAME, **identity))


@pytest.fixture
def beside(project: Path, tmp_path: Path) -> Path:
    """The tiny project with a painter beside the atlas, bound."""
    (project / "painter").mkdir()
    (project / "painter/weights.txt").write_text("none")
    params = yaml.safe_load((project / "params.yaml").read_text()) | SECTIONS
    shipped = load_document(Path(__file__).parents[2] / "params.yaml")
    conditions = {"pinned": ["noun", "cultural"], "edited": ["amplified"], "enhanced": ["enhanced"]}
    sets = {key: dict.fromkeys(names) for key, names in conditions.items()}
    params |= {
        "conditions": {**sets, "all": dict.fromkeys(name for names in conditions.values() for name in names)},
        "adapters": {"standard": SECTIONS["adapters"]["standard"]},
        "select_neurons": {**shipped["select_neurons"], "encoders": {}},
    }
    params["pins"]["painter"] = {"folder": "painter"}
    command = painter.command(tmp_path)
    params["models"][NAME] = {
        "adapter": "show_o2", "towers": [], "pin": "painter", "steps": 3, "size": 32, "command": command,
    }  # fmt: skip
    (project / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    pins.save(Path(pins.PATH.format(pin="painter")), pin_folder("painter", project / "painter"))
    for region in params["regions"]:
        labels.save(Path(labels.REGION_PATH.format(region=region)), {region: f"Label of {region}"})
        annotated.TABLE.save(Path(annotated.PATH.format(region=region)), [])
    for stage in (bind_pins, bind_encoder):
        stage.STAGE.execute(model=NAME)
    load_prompts.STAGE.execute(prompts="test")
    return project


def run_all(model: str) -> None:
    for stage, identity in ASIDE:
        stage.STAGE.execute(model=model, **identity)
    compare_adapters.STAGE.execute(model=model, adapter="standard")


def rows_of(model: str) -> list[EvaluationRow]:
    """Pictures of every condition, judged, measured and evaluated."""
    for condition in ("noun", "cultural"):
        generate.STAGE.execute(model=model, condition=condition)
    for condition in ("noun", "cultural", "amplified", "enhanced"):
        judge.STAGE.execute(judge="tiny", model=model, condition=condition)
        measure.STAGE.execute(model=model, condition=condition)
    params = load_document()
    params["models"] = {model: params["models"][model]}
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    evaluate.STAGE.execute()
    return evaluation.load(Path(evaluation.PATH))


def test_stages_that_reach_into_a_model_stand_aside_with_a_line_and_an_empty_result(
    beside: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_all(NAME)
    said = [line for line in capsys.readouterr().err.splitlines() if "stands aside" in line]
    assert [line.split(":")[0] for line in said] == [stage.STAGE.name for stage, _ in ASIDE]
    assert all("the text encoders of the adapter show_o2 are out of reach" in line for line in said)
    assert "are out of reach" in strength.load(path(strength.PATH))["closed"]
    assert comparison.load(path(comparison.PATH))["selectors"] == {}
    assert cards.load(path(cards.PATH))["cards"] == [] and cards.TABLE.load(path(cards.PICTURES)) == []
    assert "are out of reach" in path(cards.PAGE).read_text()
    for folder in (path(enhancer.PATH, site="culture"), path(adapter.PATH, adapter="standard")):
        assert folder.is_dir() and not list(folder.iterdir())
    for condition in ("amplified", "enhanced"):
        assert pictures.TABLE.load(path(pictures.TEST_PATH, condition=condition)) == []
    assert pictures.ONE_PROMPT.load(path(pictures.ONE_PROMPT_PATH)) == []
    assert adapted.TABLE.load(path(adapted.PATH, adapter="standard")) == []
    assert adapter_results.load(path(adapter_results.PATH, adapter="standard"))["rows"] == []


def test_its_plain_pictures_are_judged_measured_and_evaluated_like_any_others(beside: Path) -> None:
    run_all(NAME)
    found = rows_of(NAME)
    assert {row["condition"] for row in found} == {"noun", "cultural"}
    assert any(row["value"] is not None for row in found)
    assert answers.TABLE.load(path(answers.FOLDER, judge="tiny", condition="amplified") / "test.parquet") == []
    assert measured.TABLE.load(path(measured.PATH, condition="enhanced")) == []


def test_a_model_within_reach_does_not_stand_aside(beside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tune_strength.STAGE.execute(model="atlas")
    assert "stands aside" not in capsys.readouterr().err
    assert strength.load(Path(strength.PATH.format(model="atlas")))["amplify"]["curve"]
