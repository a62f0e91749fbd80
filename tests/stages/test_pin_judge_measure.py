"""pin_model, judge, measure, tune_strength and train_enhancer as stages, on tiny random weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.torch import load_file

from culturebench.artifacts import (
    answers,
    binding,
    directions,
    enhancer,
    labels,
    layer_probe,
    levels,
    measured,
    neurons,
    pictures,
    pins,
    sae,
    selected,
    splits,
    strength,
    towers,
)
from culturebench.artifacts._table import ArtifactError
from culturebench.conditions import CONDITIONS
from culturebench.errors import CultureBenchError
from culturebench.interventions.training import Pair
from stages import (
    bind_encoder,
    bind_features,
    bind_judge,
    bind_pins,
    generate,
    judge,
    measure,
    pin_model,
    train_enhancer,
    tune_strength,
)


def edit_params(project: Path, section: str, **values: Any) -> None:
    params = yaml.safe_load((project / "params.yaml").read_text())
    params[section] |= values
    (project / "params.yaml").write_text(yaml.safe_dump(params))


def test_pinning_again_gives_the_same_bytes(project: Path) -> None:
    path = project / pins.PATH.format(pin="backbone")
    before = path.read_bytes()
    path.unlink()
    pin_model.STAGE.execute(pin="backbone")
    assert path.read_bytes() == before


def test_a_pin_that_params_do_not_name_is_refused(project: Path) -> None:
    with pytest.raises(SystemExit, match=r"pin_model: .*pins.sdxl; pins has: encoder, "):
        pin_model.STAGE.main(["--pin", "sdxl"])


def test_a_repository_cannot_be_pinned_by_itself(project: Path) -> None:
    edit_params(project, "pins", alt={"repo": "BAAI/AltDiffusion-m18", "commit": "a" * 40})
    with pytest.raises(CultureBenchError, match=r"pins\.alt\.folder"):
        pin_model.STAGE.execute(pin="alt")


def test_an_encoder_that_a_model_does_not_take_leaves_its_towers_as_they_are(project: Path) -> None:
    path = project / towers.PATH.format(model="atlas")
    path.unlink()
    bind_pins.STAGE.execute(model="atlas")
    before = path.read_bytes()
    edit_params(project, "encoders", second={"adapter": "atlas", "pin": "encoder"})
    bind_pins.STAGE.execute(model="atlas")
    assert path.read_bytes() == before
    edit_params(project, "encoders", atlas={"adapter": "atlas", "pin": "encoder", "max_tokens": 9})
    bind_pins.STAGE.execute(model="atlas")
    assert towers.load(path)["atlas"]["max_tokens"] == 9


@pytest.mark.parametrize("content", ["[]", '{"atlas": 1}', "{"])
def test_damaged_towers_are_one_error_with_the_stage_to_run_again(content: str, project: Path) -> None:
    (project / towers.PATH.format(model="atlas")).write_text(content)
    with pytest.raises(ArtifactError, match="run `dvc repro -f bind_pins`"):
        generate.STAGE.execute(model="atlas", condition="noun")


def test_a_model_takes_over_what_its_own_towers_have_and_nothing_of_another_encoder(project: Path) -> None:
    made = [path.format(model="atlas") for path in bind_encoder.STAGE.outputs.values()]
    before = files_of(project, made)
    bound = project / binding.PATH.format(model="atlas")
    for encoder in ("atlas", "second"):
        shutil.copytree(binding.sae_folder(bound, "atlas"), project / sae.PATH.format(encoder=encoder))
        for source, path in (
            (binding.neurons_path(bound, "atlas"), neurons.PATH),
            (binding.directions_path(bound, "atlas"), directions.PATH),
            (binding.levels_path(bound, "atlas"), levels.PATH),
            (binding.layer_path(bound, "atlas"), layer_probe.LAYER_PATH),
            (project / selected.BOUND.format(model="atlas") / "atlas.parquet", selected.PATH),
        ):
            target = project / path.format(encoder=encoder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    for path in made:
        shutil.rmtree(project / path)
    bind_encoder.STAGE.execute(model="atlas")
    assert files_of(project, made) == before and len(before) > 4


def files_of(project: Path, folders: list[str]) -> dict[Path, bytes]:
    return {path: path.read_bytes() for name in folders for path in (project / name).rglob("*") if path.is_file()}


def test_a_model_without_towers_takes_nothing_over(project: Path) -> None:
    edit_params(project, "models", show={"adapter": "show_o2", "towers": [], "pin": "backbone", "command": ["x"]})
    bind_encoder.STAGE.execute(model="show")
    assert list((project / binding.PATH.format(model="show")).iterdir()) == []


def test_a_judge_with_weights_is_bound_to_its_pin_whatever_the_pin_is_called(project: Path) -> None:
    (bound,) = (project / pins.JUDGE.format(judge="tiny")).iterdir()
    bound.unlink()
    bind_judge.STAGE.execute(judge="tiny")
    assert bound.read_bytes() == (project / pins.PATH.format(pin="judge")).read_bytes()


def test_a_judge_that_has_weights_and_reads_is_bound_to_its_pin_and_to_the_regions_names(project: Path) -> None:
    edit_params(project, "judges", vlm={"kind": "transformers", "pin": "judge"})
    for code in ("jp", "nl"):
        labels.save(project / labels.REGION_PATH.format(region=code), {code: code.upper()})
    bind_judge.STAGE.execute(judge="vlm")
    bound = {path.name: path for path in (project / pins.JUDGE.format(judge="vlm")).iterdir()}
    assert set(bound) == {"judge.json", "labels.json"}
    assert labels.load(bound["labels.json"]) == {"jp": "JP", "nl": "NL"}


def test_a_judge_answers_every_picture_and_its_scores_are_kept(project: Path) -> None:
    generate.STAGE.execute(model="atlas", condition="noun")
    judge.STAGE.execute(judge="tiny", model="atlas", condition="noun")
    rows = answers.TABLE.load(
        project / answers.PATH.format(judge="tiny", prompts="test", model="atlas", condition="noun")
    )
    made = pictures.TABLE.load(project / pictures.TEST_PATH.format(model="atlas", condition="noun"))
    assert [(row["prompt_id"], row["seed"]) for row in rows] == [(row["prompt_id"], row["seed"]) for row in made]
    for row in rows:
        scores = json.loads(row["raw"])
        shown = {option: scores[option] for option in row["options"]}
        shown["unrecognizable"] += scores["plain"]
        assert set(shown) == {"jp", "nl", "unrecognizable"}
        assert shown[row["answer"]] == max(shown.values())
        assert row["object"]
        assert row["served_model"].startswith("judge@")


def test_every_measure_of_every_picture_is_a_row(project: Path) -> None:
    generate.STAGE.execute(model="atlas", condition="noun")
    measure.STAGE.execute(model="atlas", condition="noun")
    rows = measured.TABLE.load(project / measured.PATH.format(model="atlas", condition="noun"))
    counts = {name: sum(row["measure"] == name for row in rows) for name in {row["measure"] for row in rows}}
    assert counts == {
        "atlas_alignment": 8, "atlas_perceptual_reference": 8, "atlas_perceptual_diversity": 4,
        "clip_score": 8, "image_reward": 8, "lpips_reference": 8, "lpips_diversity": 4, "vendi_score": 4,
        "cultural_similarity": 8, "atlas_cultural_similarity": 8, "cue_concentration": 4, "atlas_cue_concentration": 4,
    }  # fmt: skip
    assert all((row["value"] is None) == row["reason"].startswith("not run: ") for row in rows)
    # These captions have one English wording and two prompts a region: too few for others' captions, and for pairs.
    assert {row["measure"] for row in rows if row["value"] is None} == counts.keys() - {
        "atlas_alignment", "atlas_perceptual_reference", "atlas_perceptual_diversity"
    }  # fmt: skip


def test_tuning_gives_a_curve_with_intervals_for_both_edits(project: Path) -> None:
    tune_strength.STAGE.execute(model="atlas")
    found = strength.load(project / strength.PATH.format(model="atlas"))
    assert [point["strength"] for point in found["amplify"]["curve"]] == [0, 2]
    assert [point["strength"] for point in found["activate"]["curve"]] == [0, 1]
    assert all(point["low"] <= point["accuracy"] <= point["high"] for point in found["amplify"]["curve"])
    assert found["amplify"]["strength"] in (0, 2)
    assert found["judge"] == "tiny"
    assert "95%" in found["rule"]
    at_one_layer = {one.name for one in CONDITIONS if one.stage == "generate_edited" and not one.few_layers}
    assert set(found["sizes"]) == at_one_layer
    assert found["sizes"]["same_norm_masked"] == pytest.approx(found["sizes"]["masked"], rel=1e-3)
    assert found["sizes"]["language_masked"] is None
    assert found["undrawn"]["language_masked"].keys() == {"jp", "nl"}
    assert {pool["region"] for pool in found["pools"]} == {"jp", "nl"}
    assert [(dose["condition"], dose["strength"]) for dose in found["dose"]["amplify"]] == [
        ("random_amplified", 2), ("same_norm_amplified", 2)
    ]  # fmt: skip


def test_tuning_names_a_judge_that_is_not_there(project: Path) -> None:
    edit_params(project, "tune_strength", judge="oracle")
    with pytest.raises(CultureBenchError, match=r"judges\.oracle; judges has: tiny"):
        tune_strength.STAGE.execute(model="atlas")


@pytest.mark.parametrize("space", ["pixel", "latent", "perceptual"])
def test_training_moves_the_enhancer_from_the_identity_and_says_how_far(project: Path, space: str) -> None:
    edit_params(project, "train_enhancer", loss_space=space, perceptual={"pin": "alignment", "size": 64})
    bind_features.STAGE.execute()
    train_enhancer.STAGE.execute(model="atlas", site="culture")
    folder = project / enhancer.PATH.format(model="atlas", site="culture")
    history = enhancer.load_history(folder)
    assert [entry["step"] for entry in history["entries"]] == [0, 2, 4]
    assert all(set(entry) == {"step", "loss", "residual", "gap"} for entry in history["entries"])
    assert history["entries"][0]["residual"] == 0
    assert history["entries"][-1]["residual"] > 0
    assert load_file(folder / "enhancer.safetensors")["gain"].abs().min() > 0
    assert history["layer"] == 1


def test_no_enhancer_depends_on_features_that_its_loss_does_not_compare(project: Path) -> None:
    found: dict[str, list[str]] = {}
    for space in ("latent", "perceptual"):
        edit_params(project, "train_enhancer", loss_space=space, perceptual={"pin": "alignment", "size": 64})
        shutil.rmtree(project / pins.FEATURES, ignore_errors=True)
        bind_features.STAGE.execute()
        found[space] = [path.name for path in (project / pins.FEATURES).iterdir()]
    assert found == {"latent": [], "perceptual": ["alignment.json"]}
    shutil.rmtree(project / pins.FEATURES)
    with pytest.raises(ArtifactError, match="run `dvc repro bind_features`"):
        train_enhancer.STAGE.execute(model="atlas", site="culture")


def test_training_twice_gives_the_same_bytes(project: Path) -> None:
    folder = project / enhancer.PATH.format(model="atlas", site="culture")
    found = []
    for _ in range(2):
        train_enhancer.STAGE.execute(model="atlas", site="culture")
        found.append({path.name: path.read_bytes() for path in sorted(folder.iterdir())})
    assert found[0] == found[1]


def test_the_other_site_is_another_layer_that_the_backbone_sees() -> None:
    probed = {"layer": 1, "last_upstream_layer": 2}
    drawn = {train_enhancer.layer_of("other_layer", probed, seed) for seed in range(20)}
    assert drawn == {0, 2}
    assert train_enhancer.layer_of("other_layer", probed, 3) == train_enhancer.layer_of("other_layer", probed, 3)
    with pytest.raises(CultureBenchError, match="single layer"):
        train_enhancer.layer_of("other_layer", {"layer": 0, "last_upstream_layer": 0}, 0)
    with pytest.raises(CultureBenchError, match="culture, shuffled and other_layer"):
        train_enhancer.layer_of("deep", probed, 0)


def test_shuffled_references_are_all_of_other_regions_and_each_is_used_once() -> None:
    regions = ["a"] * 3 + ["b"] * 2 + ["c"] * 2
    pairs = [Pair(f"{region}{number}", region.encode()) for number, region in enumerate(regions)]
    found = train_enhancer.shuffled(pairs, regions)
    assert [pair.prompt for pair in found] == [pair.prompt for pair in pairs]
    assert all(pair.image.decode() != pair.prompt[0] for pair in found)
    assert sorted(pair.image for pair in found) == sorted(pair.image for pair in pairs)
    with pytest.raises(CultureBenchError, match="more than half of the train pictures"):
        train_enhancer.shuffled(pairs[:4], regions[:4])


def test_a_train_split_that_is_too_small_is_said(project: Path) -> None:
    for region in ("jp", "nl"):
        splits.TABLE.save(project / splits.TRAIN / f"{region}.parquet", [])
    with pytest.raises(CultureBenchError, match=r"holds 0 pictures, train_enhancer\.log_pairs asks for 4"):
        train_enhancer.STAGE.execute(model="atlas", site="culture")


def test_a_missing_probe_names_the_stage_to_run(project: Path) -> None:
    (project / layer_probe.LAYERS.format(model="atlas") / "atlas.json").unlink()
    with pytest.raises(CultureBenchError, match="dvc repro probe_layers"):
        train_enhancer.STAGE.execute(model="atlas", site="culture")
