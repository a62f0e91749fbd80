"""The dry plan follows the params, and needs no weights."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from culturebench import cli
from culturebench.artifacts import splits
from culturebench.params import load_section
from culturebench.params.judges import Judges
from culturebench.params.models import Model
from culturebench.params.train_enhancer import TrainEnhancer
from culturebench.planning.amounts import PICTURES, Amount, Numbers, amounts
from culturebench.planning.gpus import GPUS, GpuError, gpu_of, hours, recognised
from culturebench.planning.measured import FILE, measured, seconds_of
from culturebench.planning.plan import Planned, fitting, loading, planned
from culturebench.planning.prices import Cost, Prices
from import_graph import ROOT
from tiny_project import split_rows

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
DOCUMENT["prompts"] = {"test": DOCUMENT["prompts"]["test"]}
MODEL = Model(adapter="sdxl", towers=["l", "g"], edited="g", pin="x")
JUDGE = {
    "kind": "openai", "base_url": "http://127.0.0.1:8000/v1", "model": "m", "key_variable": None,
    "max_completion_tokens": 100, "image_side": 512, "image_tokens": 1000, "input_price": 2.0, "output_price": 8.0,
    "max_cost": None,
}  # fmt: skip
TEN = Cost(10e12, 10**9)
PRICES = Prices(
    TEN, TEN * 3, TEN * 4, TEN, {"l": Cost(1e9), "g": Cost(5e9)}, {"l": 768, "g": 1280}, 7 * 10**9, 1024,
    {"l": 12, "g": 32}, Cost(2e9),
)  # fmt: skip


def numbers_of(**changed: dict[str, Any]) -> Numbers:
    document = {**DOCUMENT, **{name: {**DOCUMENT[name], **values} for name, values in changed.items()}}
    return cli.plan._numbers(document)[0]


def found(numbers: Numbers, root: Path) -> dict[str, Amount]:
    return {amount.stage: amount for amount in amounts(MODEL, numbers, root)}


def costs(numbers: Numbers, root: Path, **judges: dict[str, Any]) -> dict[str, Planned]:
    known = load_section(Judges, {"judges": {**DOCUMENT["judges"], **judges}}).root
    training = load_section(TrainEnhancer, DOCUMENT)
    return {p.amount.stage: p for p in planned(amounts(MODEL, numbers, root), PRICES, numbers, training, known)}


def test_twice_the_seeds_are_twice_the_pictures_questions_time_disk_and_money(tmp_path: Path) -> None:
    once, twice = (
        costs(numbers_of(generate={"seeds": seeds, "control_seeds": len(seeds)}), tmp_path, served=JUDGE)
        for seeds in ([0, 1], [0, 1, 2, 3])
    )
    for stage in ("generate (5 conditions)", "generate_edited (24 conditions)", "generate_enhanced (3 conditions)"):
        assert twice[stage].amount.images == 2 * once[stage].amount.images > 0
        assert twice[stage].disk == 2 * once[stage].disk > 0
        first, second = once[stage].cost, twice[stage].cost
        assert first and second and second.flops == 2 * first.flops
    assert twice["judge"].amount.calls == 2 * once["judge"].amount.calls > 0
    assert once["judge"].dollars and twice["judge"].dollars == pytest.approx(2 * once["judge"].dollars)
    assert once["tune_strength"] == twice["tune_strength"]


def test_of_a_model_out_of_reach_plain_pictures_alone_are_planned(tmp_path: Path) -> None:
    numbers = numbers_of()
    closed = Model(adapter="show_o2", towers=[], pin="x", command=["x"])
    found = {amount.stage: amount for amount in amounts(closed, numbers, tmp_path)}
    assert list(found) == ["generate (5 conditions)", "judge", "judge_reliability", "measure"]
    made = found["generate (5 conditions)"].images
    assert (found["judge"].calls, found["measure"].pictures) == (made, made)


def test_a_tower_that_is_not_probed_is_not_planned_for(tmp_path: Path) -> None:
    entries = {name: {"adapter": "transformers", "pin": "x", "probed": name != "l"} for name in MODEL.towers}
    numbers = cli.plan._numbers({**DOCUMENT, "encoders": entries})[0]
    towers = {amount.tower for amount in amounts(MODEL, numbers, tmp_path)} - {""}
    assert towers == {"g"}


def test_numbers_are_those_of_the_params(tmp_path: Path) -> None:
    numbers = numbers_of(
        generate={"seeds": [0, 1], "prompts_per_region": 3, "control_seeds": 1},
        tune_strength={
            "dose": {"controls": ["random", "same_norm"], "prompts_per_region": 2, "strengths": 3},
            "seeds": [0],
            "prompts_per_region": 5,
            "amplify": [0, 1, 2],
            "activate": [0, 1],
            "steer": [0, 1],
            "steer_en": [0, 1],
        },
    )
    regions = len(DOCUMENT["regions"])
    made = found(numbers, tmp_path)
    assert made["generate (5 conditions)"].prompts == 3 * regions
    assert made["generate (5 conditions)"].images == 3 * regions * 2 * 5
    plain, controls = 12, len(DOCUMENT["conditions"]["all"]) - 12
    assert made["judge"].calls == 3 * regions * (2 * plain + controls)
    doses = 2 * regions * (2 * (2 + 1) + 2)  # lambdas above 0 under both controls of neurons, and under one of steering
    assert made["tune_strength"].images == made["tune_strength"].calls == 5 * regions * 9 + doses
    assert [stage for stage in made if "@" in stage] == [
        *(f"{stage}@{tower}{seeds}" for tower in ("l", "g")
          for stage, seeds in (("probe_layers", ""), ("check_layers", ""), ("train_sae", " (2 seeds)"),
                               ("select_neurons", ""))),
        "train_enhancer@culture", "train_enhancer@shuffled", "train_enhancer@other_layer",
        *(f"{stage}@{name}" for name in DOCUMENT["adapters"]
          for stage in ("train_adapter", "generate_adapted", "compare_adapters")),
    ]  # fmt: skip


def test_every_stage_that_makes_pictures_or_asks_is_counted_as_it_works(tmp_path: Path) -> None:
    numbers = numbers_of(
        compare_selectors={
            "seeds": [0, 1],
            "prompts_per_region": 2,
            "max_regions": 3,
            "others": None,
            "selectors": ["wfs", "random"],
            "k": [None, 8, 4],
        },
        describe_neurons={"pictured": 3, "prompts_per_region": 2, "seeds": [0, 1]},
        judge_reliability={"pictures_per_region": 5, "choices": 3},
        generate={"seeds": [0], "prompts_per_region": 2},
        check_layers={"max_pairs": 40},
    )
    made, regions = found(numbers, tmp_path), len(DOCUMENT["regions"])
    unmasked = 3 * 2 * 2  # regions, prompts, seeds
    assert made["compare_selectors"].images == made["compare_selectors"].calls == unmasked * (1 + 3 * 2 * 3)
    unedited = 2 * regions * 2 * 2  # noun and cultural, regions, prompts, seeds
    assert made["describe_neurons"].images == made["describe_neurons"].calls == unedited * (1 + 3)
    assert (made["judge_reliability"].calls, made["judge_reliability"].pictures) == (10 * regions, 20 * regions)
    assert made["generate_one_prompt"].images == 1 + regions
    assert made["measure"].pictures == made["judge"].calls == 2 * regions * len(DOCUMENT["conditions"]["all"])
    priced = costs(numbers, tmp_path)
    measured, checked = priced["measure"].cost, priced["check_layers@g"].cost
    assert measured and measured.flops == 2e9 * made["measure"].pictures
    assert checked and checked.flops == pytest.approx(40 * (3 + 2 * 32) * 5e9)


def test_a_split_that_is_there_is_counted_and_others_are_assumed(tmp_path: Path) -> None:
    numbers = numbers_of(generate={"prompts_per_region": 1000})
    regions = len(DOCUMENT["regions"])
    assumed = round(PICTURES * 0.2)
    assert found(numbers, tmp_path)["generate (5 conditions)"].prompts == assumed * regions
    splits.TABLE.save(tmp_path / splits.TEST / "jp.parquet", split_rows("jp", "test"))
    assert found(numbers, tmp_path)["generate (5 conditions)"].prompts == assumed * (regions - 1) + 3


def test_a_second_set_of_prompts_is_counted_for_the_conditions_that_have_its_captions(tmp_path: Path) -> None:
    unseen = {"file": "data/test", "modifiers": "unseen", "prompts_per_region": 2}
    alone, both = (found(numbers_of(prompts=more), tmp_path) for more in ({}, {"unseen": unseen}))
    more = 2 * len(DOCUMENT["regions"])
    pinned = "generate (5 conditions)"
    assert both[pinned].prompts == alone[pinned].prompts + more
    assert both[pinned].images == alone[pinned].images + more * len(DOCUMENT["generate"]["seeds"]), "cultural alone"
    assert both["generate_enhanced (3 conditions)"].images == alone["generate_enhanced (3 conditions)"].images


def test_a_model_without_towers_is_neither_probed_nor_edited(tmp_path: Path) -> None:
    plain = Model(adapter="show_o2", towers=[], pin="x")
    stages = [amount.stage for amount in amounts(plain, numbers_of(), tmp_path)]
    assert stages == ["generate (5 conditions)", "judge", "judge_reliability", "measure"]


def test_only_judges_that_are_paid_cost_money_and_each_as_its_prices_say(tmp_path: Path) -> None:
    assert costs(numbers_of(), tmp_path)["judge"].dollars is None
    dear = costs(numbers_of(), tmp_path, served={**JUDGE, "input_price": 0.0, "output_price": 8.0})["judge"]
    assert dear.dollars == pytest.approx(dear.amount.calls * 100 * 8.0 / 1e6)
    assert costs(numbers_of(), tmp_path, a=JUDGE, b=JUDGE)["judge"].dollars == pytest.approx(
        2 * (costs(numbers_of(), tmp_path, a=JUDGE)["judge"].dollars or 0)
    )


def test_training_is_priced_by_its_steps_and_its_history(tmp_path: Path) -> None:
    training = load_section(TrainEnhancer, DOCUMENT)
    cost = costs(numbers_of(), tmp_path)["train_enhancer@culture"].cost
    entries = 1 + training.steps // training.log_every
    watched = 2 * training.log_pairs * entries
    assert cost and cost.flops == 30e12 * training.steps * training.batch_size + 10e12 * watched


def test_a_gpu_is_as_fast_as_its_sheet_says_and_an_unknown_one_is_refused() -> None:
    assert hours(989e12 * 3600, gpu_of("H200"), 1.0) == pytest.approx(1)
    assert hours(989e12 * 3600, gpu_of("h200"), 0.5) == pytest.approx(2)
    with pytest.raises(GpuError, match="'tpu' is not in the table; there are: b200, h200"):
        gpu_of("tpu")
    assert recognised("NVIDIA H200") is GPUS["h200"]
    assert recognised("NVIDIA A100-SXM4-40GB") is GPUS["a100-40gb"]
    assert recognised("NVIDIA A100-SXM4-80GB") is GPUS["a100"]
    assert recognised("NVIDIA RTX A6000") is GPUS["a6000"]
    assert recognised("Quadro") is None
    assert fitting(141, weights=7e9, each=1e9) == 119
    assert fitting(8, weights=7.5e9, each=1e9) == 0


@pytest.mark.slow
def test_the_command_plans_an_example_in_a_project_without_data_or_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "examples/models", tmp_path / "examples/models")
    monkeypatch.chdir(tmp_path)
    before = sorted(path for path, _, _ in os.walk(tmp_path))
    result = CliRunner().invoke(cli.app, ["plan", "--model", "altdiffusion-m18", "--gpu", "h200"])
    assert result.exit_code == 0, result.exception
    said = result.stdout
    assert "an estimate; nothing was run" in said
    for word in ("collect", "caption", "clip_score", "probe_layers@altdiffusion_m18", "judge", "measure", "H200",
                 "TFLOP/s", "Weights", "gradient checkpointing"):  # fmt: skip
        assert word in said
    images = 4 * 15 * 4 * 5 + 2 * 15 * 4  # five conditions of the test prompts, cultural ones with unseen modifiers
    assert re.search(rf"generate \(5 conditions\)\s+90\s+{images:,}\s", said)
    assert sorted(path for path, _, _ in os.walk(tmp_path)) == before


def test_the_command_names_the_models_there_are_and_says_what_it_cannot_estimate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "examples/models", tmp_path / "examples/models")
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(cli.app, ["plan", "--model", "midjourney"])
    assert "'midjourney' is neither in params.yaml nor in examples/models; there are: atlas," in str(refused.exception)
    atlas = CliRunner().invoke(cli.app, ["plan", "--model", "atlas"])
    assert "Time, memory and disk are not estimated: the adapter atlas has no published geometry" in atlas.stdout


def test_a_plan_without_estimates_waits_for_no_library_of_models() -> None:
    program = (
        "import sys\nfrom culturebench import cli\nsys.argv = ['culturebench', 'plan', '--model', 'atlas']\n"
        "try:\n    cli.main()\nfinally:\n"
        "    print(sorted({'torch', 'diffusers', 'transformers', 'openai', 'scipy'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_loading_is_counted_once_a_process_of_the_model(tmp_path: Path) -> None:
    prices = PRICES
    made = costs(numbers_of(), tmp_path)
    assert loading(made["generate (5 conditions)"], prices) == pytest.approx(5 * prices.weights / 2e9)
    assert loading(made["tune_strength"], prices) == pytest.approx(prices.weights / 2e9)
    assert loading(made["judge"], prices) == 0
    assert loading(made["judge"], None) is None


def test_what_stages_took_here_is_summed_by_the_model_that_they_are_of(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.parent.mkdir(parents=True)
    path.write_text(
        '{"generate@sdxl-noun": 10, "generate@sdxl-cultural": 20, "generate@flux-noun": 40, '
        '"train_enhancer@sdxl-culture": 5, "train_enhancer@sdxl-shuffled": 7, "probe_layers@sdxl_g": 3, "collect": 2}'
    )
    took, owners = measured(tmp_path), ["sdxl", "sdxl_g"]
    assert seconds_of("generate (5 conditions)", owners, took) == 30
    assert seconds_of("train_enhancer@culture", owners, took) == 5
    assert seconds_of("probe_layers@sdxl_g", owners, took) == 3
    assert seconds_of("collect", owners, took) == 2
    assert seconds_of("judge", owners, took) is None
    path.write_text("{")
    assert measured(tmp_path) == {}
