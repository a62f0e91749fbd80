import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from culturebench.artifacts import binding, directions, layer_check, layer_probe, levels, neurons, sae, selected, splits
from culturebench.errors import CultureBenchError
from culturebench.params import ParamsError
from culturebench.probing import sae as probing_sae
from culturebench.probing.training_state import TrainingState
from method_project import REGIONS, write_method_project, write_params
from stages import bind_encoder, check_layers, probe_layers, select_neurons, train_sae
from tiny_system import WIDTH


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The project of `method_project`, with a store of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CULTUREBENCH_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("culturebench.stage.THREADS", 1)  # tests run side by side
    write_method_project(tmp_path)
    return tmp_path


def run_all():
    probe_layers.STAGE.execute(encoder="tiny")
    train_sae.STAGE.execute(encoder="tiny")
    select_neurons.STAGE.execute(encoder="tiny")
    bind_encoder.STAGE.execute(model="small")


def produced(root: Path):
    files = [path for folder in ("data/probe", "models") for path in (root / folder).rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def stored(root: Path):
    return {path for path in (root / "store").rglob("*") if path.is_file()}


def test_the_four_stages_take_pairs_to_a_bound_encoder(project: Path):
    run_all()
    layer = layer_probe.load_layer(project / "data/probe/tiny/layer.json")
    assert 0 <= layer["layer"] <= layer["last_upstream_layer"] == 2
    assert layer["direction"] == "modifier_to_noun"
    assert layer["pairs"] == 24
    assert {(c["reference"], c["layer"]) for c in layer["curves"]} == {
        (reference, i) for reference in ("zero", "context", "neutral_modifier") for i in range(4)
    }
    assert not any(curve["marked"] for curve in layer["curves"] if not curve["candidate"])

    rows = neurons.TABLE.load(project / "models/neurons/tiny.parquet")
    assert len(rows) == 2 * 2 * 2 * WIDTH  # seeds, regions, latents
    assert {row["sae_seed"] for row in rows} == {0, 1}
    assert all(row["candidate"] for row in rows if row["selected"])

    bound = project / "models/bound/small"
    assert binding.layer_path(bound, "tiny").read_bytes() == (project / "data/probe/tiny/layer.json").read_bytes()
    assert sae.seeds(binding.sae_folder(bound, "tiny")) == [0, 1]
    probing_sae.load(sae.seed_folder(binding.sae_folder(bound, "tiny"), 1))
    metrics = sae.load_metrics(project / "models/sae/tiny")
    assert all(0 <= metrics["seeds"][seed]["fvu"] < 1 for seed in ("0", "1"))
    assert [point["step"] for point in metrics["seeds"]["0"]["history"]] == [1, 21, 41, 60]

    differences = directions.TABLE.load(binding.directions_path(bound, "tiny"))  # no row has an English noun
    assert [(row["region"], row["subdivision"], row["caption"]) for row in differences] == [
        (region, "", "noun") for _ in {row["layer"] for row in differences} for region in sorted(REGIONS)
    ]
    layers = {row["layer"] for row in differences}
    verdict = layer_probe.load_layer(project / "data/probe/tiny/layer.json")
    assert verdict["layer"] in layers
    assert len(layers) == 2, "the marked layer, and the next best beside it"
    assert len({len(row["vector"]) for row in differences}) == 1
    woken = levels.TABLE.load(binding.levels_path(bound, "tiny"))
    own = {(row["sae_seed"], row["region"], row["latent"]) for row in rows if row["selected"]}
    assert {(row["sae_seed"], row["region"], row["latent"]) for row in woken} >= own

    picked = selected.TABLE.load(project / "models/selected/tiny.parquet")
    assert {row["selector"] for row in picked} == {"wfs", "lape", "mad", "cas", "lap", "random"}
    key = ("sae_seed", "region", "latent")
    wfs = {tuple(row[name] for name in key) for row in picked if row["selector"] == "wfs"}
    assert wfs == {tuple(row[name] for name in key) for row in rows if row["selected"]}


def test_two_runs_give_the_same_bytes(project: Path, monkeypatch: pytest.MonkeyPatch):
    run_all()
    first = produced(project)
    monkeypatch.setenv("CULTUREBENCH_STORE", str(project / "another store"))
    run_all()
    assert produced(project) == first


def test_delta_ca_in_the_table_and_in_the_curve_agree(project: Path):
    probe_layers.STAGE.execute(encoder="tiny")
    layer = layer_probe.load_layer(project / "data/probe/tiny/layer.json")
    rows = layer_probe.TABLE.load(project / "data/probe/tiny/attention.parquet")
    for curve in layer["curves"]:
        chosen = [
            row["cultural"] - row["noun"]
            for row in rows
            if all(row[key] == curve[key] for key in ("reference", "direction", "layer"))
        ]
        assert np.mean(chosen) == pytest.approx(curve["delta"], abs=1e-5)


def test_when_nothing_stands_out_the_stage_stops_unless_params_name_a_layer(project: Path):
    write_params({"probe_layers": {"min_excess": 1000.0, "when_none": "stop"}})
    with pytest.raises(CultureBenchError, match="when_none"):
        probe_layers.STAGE.execute(encoder="tiny")
    write_params({"probe_layers": {"min_excess": 1000.0, "when_none": 2}})
    probe_layers.STAGE.execute(encoder="tiny")
    layer = json.loads((project / "data/probe/tiny/layer.json").read_text())
    assert layer["layer"] == 2
    assert layer["significant"] is False
    write_params({"probe_layers": {"min_excess": 1000.0, "when_none": 3}})
    with pytest.raises(CultureBenchError, match="0 to 2"):
        probe_layers.STAGE.execute(encoder="tiny")


def test_the_last_line_says_what_was_decided_and_that_the_check_marks_another_layer(
    project: Path, capsys: pytest.CaptureFixture[str]
):
    probe_layers.STAGE.execute(encoder="tiny")
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("No layer is marked: ") and last.endswith("when_none names the layer of index 1.")
    path = project / layer_check.PATH.format(encoder="tiny")
    point = dict.fromkeys(layer_check.POINT, 0.0)
    layer_check.save(path, {**layer_check.load(path), "layer": 2, "points": [point]})
    probe_layers.STAGE.execute(encoder="tiny")
    assert capsys.readouterr().err.splitlines()[-1] == f"{last} The causal check marks the layer of index 2."


def test_the_probe_compares_with_the_placebo_words_of_both_regions_and_with_copies(project: Path):
    probe_layers.STAGE.execute(encoder="tiny")
    layer = layer_probe.load_layer(project / "data/probe/tiny/layer.json")
    assert (layer["modifiers"], layer["placebos"]["words"], layer["placebos"]["regions"]) == (2, 4, 2)
    assert layer["reinitialised"]["copies"] == 2
    for part in (layer["placebos"], layer["reinitialised"]):
        assert {point["direction"] for point in part["band"]} == {point["direction"] for point in layer["curves"]}
    none = {"copies": 2, "max_parameters": 10}
    write_params({"probe_layers": {"reinitialised": none}})
    probe_layers.STAGE.execute(encoder="tiny")
    assert layer_probe.load_layer(project / "data/probe/tiny/layer.json")["reinitialised"]["copies"] == 0


def test_the_check_has_every_layers_effect_on_train_pairs_and_counts_the_others(project: Path):
    check_layers.STAGE.execute(encoder="tiny")
    path = project / layer_check.PATH.format(encoder="tiny")
    found, first = layer_check.load(path), path.read_bytes()
    assert (found["pairs"], found["layers"]) == (10, 4)
    assert found["dropped"] == {"left_out": 14, "no_effect": 0, "no_neutral": 0}
    assert [point["candidate"] for point in found["points"]] == [True, True, True, False]
    assert found["points"][-1]["effect"] == 0 and any(point["effect"] != 0 for point in found["points"])
    assert all(point["effect_low"] <= point["effect"] <= point["effect_high"] for point in found["points"])
    shutil.rmtree(project / "store")
    check_layers.STAGE.execute(encoder="tiny")
    assert path.read_bytes() == first


def test_the_check_says_nothing_with_too_few_pairs(project: Path):
    write_params({"probe_layers": {"min_pairs": 11}})
    check_layers.STAGE.execute(encoder="tiny")
    found = layer_check.load(project / layer_check.PATH.format(encoder="tiny"))
    assert found["layer"] is None and found["points"] == [] and found["pairs"] == 10


def test_one_encoders_own_values_replace_the_sections(project: Path):
    write_params({"probe_layers": {"encoders": {"tiny": {"direction": "summary_to_modifier"}, "other": {"seed": 3}}}})
    probe_layers.STAGE.execute(encoder="tiny")
    assert layer_probe.load_layer(project / "data/probe/tiny/layer.json")["direction"] == "summary_to_modifier"
    write_params({"train_sae": {"encoders": {"tiny": {"kk": 3}}}})
    with pytest.raises(ParamsError, match=r"encoders\.tiny\.kk"):
        train_sae.STAGE.execute(encoder="tiny")


def test_a_region_without_marked_spans_is_named(project: Path):
    probe_layers.STAGE.execute(encoder="tiny")
    train_sae.STAGE.execute(encoder="tiny")
    path = project / splits.DETECT / "nl.parquet"
    rows = splits.TABLE.load(path)
    for row in rows:
        row["cultural"]["modifier_start"] = -1
    splits.TABLE.save(path, rows)
    with pytest.raises(CultureBenchError, match=r"'nl' has 0 detect pairs.*no_modifier_span"):
        select_neurons.STAGE.execute(encoder="tiny")


def test_weights_that_are_no_longer_what_was_pinned_are_refused(project: Path):
    weights = project / "encoder/text_encoder/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(CultureBenchError, match=r"model\.safetensors"):
        probe_layers.STAGE.execute(encoder="tiny")


def test_a_tower_that_was_not_probed_is_named(project: Path):
    with pytest.raises(CultureBenchError, match="tiny"):
        bind_encoder.STAGE.execute(model="small")


def test_params_choose_the_selector_whose_neurons_go_on(project: Path):
    write_params({"select_neurons": {"selector": "cas"}})
    run_all()
    rows = neurons.TABLE.load(project / "models/neurons/tiny.parquet")
    picked = selected.TABLE.load(project / "models/selected/tiny.parquet")
    chosen = {(row["sae_seed"], row["region"], row["latent"]) for row in rows if row["selected"]}
    cas = {(row["sae_seed"], row["region"], row["latent"]) for row in picked if row["selector"] == "cas"}
    assert chosen == cas and chosen


def test_activations_that_go_through_a_file_leave_the_same_autoencoders_and_no_file(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    spill = tmp_path / "spill"
    spill.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spill))
    run_all()
    first = produced(project)
    monkeypatch.setattr("culturebench.params.train_sae.MEGABYTE", 1)
    run_all()
    assert produced(project) == first
    assert not list(spill.iterdir())


def test_training_that_was_killed_goes_on_where_it_was_kept(project: Path):
    run_all()
    first, kept = produced(project), stored(project)

    def stop(state: TrainingState, *_rest: Any, step: Any = TrainingState.advance):
        if state.step == 40:
            raise KeyboardInterrupt
        step(state, *_rest)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TrainingState, "advance", stop)
        with pytest.raises(KeyboardInterrupt):
            train_sae.STAGE.execute(encoder="tiny")
    assert stored(project) > kept
    run_all()
    assert produced(project) == first
    assert stored(project) == kept
