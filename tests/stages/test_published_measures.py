"""bind_measures and measure with every published measure switched on, on tiny random weights of the real classes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.torch import load_file, save_file

import tiny_measures
from culturebench.artifacts import circular, labels, measured, pictures, pins
from culturebench.errors import CultureBenchError
from culturebench.pins import pin_folder
from stages import bind_measures, generate, measure
from tiny_project import REGIONS

CONCEPTS = ["traditional clothing of {region}", "a house of {region}"]
CHOSEN: dict[str, Any] = {
    "alignment": None,
    "caption": "noun_en",
    "clip_score": {"pin": "clip", "text": "text"},
    "image_reward": {"pin": "image_reward"},
    "lpips": {"pin": "lpips", "network": "alex", "size": 64},
    "vendi_score": {"pin": "clip"},
    "cue_concentration": {"pin": "clip"},
    "cultural_similarity": {"pin": "clip", "concepts": CONCEPTS},
}


@pytest.fixture(scope="module")
def scorers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of weights by the name of their pin."""
    root = tmp_path_factory.mktemp("scorers")
    return {
        "clip": tiny_measures.clip(root / "clip"),
        "text": tiny_measures.sentence_tower(root / "text"),
        "image_reward": tiny_measures.image_reward(root / "image_reward"),
        "lpips": tiny_measures.lpips(root / "lpips", "alex"),
    }


@pytest.fixture
def measuring(project: Path, scorers: dict[str, Path]) -> Path:
    """The tiny project with all measures in its params, and their weights pinned."""
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["measure"] = CHOSEN
    params["pins"] |= {name: {"folder": str(folder)} for name, folder in scorers.items()}
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    for name, folder in scorers.items():
        pins.save(project / pins.PATH.format(pin=name), pin_folder(name, folder))
    for region in REGIONS:
        labels.save(project / labels.REGION_PATH.format(region=region), {region: region.upper()})
    return project


def rows_of(project: Path) -> list[dict[str, Any]]:
    generate.STAGE.execute(model="atlas", condition="noun")
    bind_measures.STAGE.execute()
    measure.STAGE.execute(model="atlas", condition="noun")
    return measured.TABLE.load(project / measured.PATH.format(model="atlas", condition="noun"))


def test_every_published_measure_is_a_number_once_its_weights_are_pinned(measuring: Path) -> None:
    rows = rows_of(measuring)
    counts = {name: sum(row["measure"] == name for row in rows) for name in {row["measure"] for row in rows}}
    assert counts == {
        "clip_score": 8, "image_reward": 8, "lpips_reference": 8, "lpips_diversity": 4, "vendi_score": 4,
        "cultural_similarity": 8, "cue_concentration": 4,
    }  # fmt: skip
    with_value = [row for row in rows if row["measure"] != "cue_concentration"]
    assert all(row["value"] is not None and math.isfinite(row["value"]) and not row["reason"] for row in with_value)
    assert all(1 <= row["value"] <= 2 for row in rows if row["measure"] == "vendi_score")
    assert all(row["seed"] == -1 for row in rows if row["measure"] in ("vendi_score", "lpips_diversity"))


def test_measuring_again_gives_the_same_bytes(measuring: Path) -> None:
    rows_of(measuring)
    path = measuring / measured.PATH.format(model="atlas", condition="noun")
    before = path.read_bytes()
    measure.STAGE.execute(model="atlas", condition="noun")
    assert path.read_bytes() == before


def test_pictures_without_an_english_caption_get_no_image_reward_and_a_reason(measuring: Path) -> None:
    params = yaml.safe_load((measuring / "params.yaml").read_text())
    params["measure"]["caption"] = "cultural"  # none of the tiny project's has an English rendering
    (measuring / "params.yaml").write_text(yaml.safe_dump(params))
    rows = [row for row in rows_of(measuring) if row["measure"] == "image_reward"]
    assert len(rows) == 8
    assert {(row["value"], row["reason"]) for row in rows} == {
        (None, "not run: the test picture has no English caption of this kind")
    }


def test_a_scorers_file_that_changed_is_refused(measuring: Path, scorers: dict[str, Path]) -> None:
    generate.STAGE.execute(model="atlas", condition="noun")
    bind_measures.STAGE.execute()
    path = measuring / pins.MEASURES / "clip.json"
    pin = json.loads(path.read_text())
    pin["files"]["config.json"]["sha256"] = "0" * 64
    path.write_text(json.dumps(pin))
    with pytest.raises(CultureBenchError, match=r"config\.json changed: the pin clip holds sha256 0000"):
        measure.STAGE.execute(model="atlas", condition="noun")


def test_a_scorer_that_no_pin_names_is_said_before_anything_is_measured(measuring: Path) -> None:
    (measuring / pins.PATH.format(pin="text")).unlink()
    with pytest.raises(CultureBenchError, match=r"pins/text\.json is missing"):
        bind_measures.STAGE.execute()


def test_the_generators_own_encoder_as_the_scorer_is_warned_about(
    measuring: Path, scorers: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same tokens' table in another file and precision, under another name: known all the same."""
    weights = load_file(scorers["clip"] / "model.safetensors")
    (table,) = [tensor for name, tensor in weights.items() if name.endswith("token_embedding.weight")]
    encoder = tmp_path / "encoder"
    encoder.mkdir()
    save_file({"text_model.embeddings.token_embedding.weight": table.bfloat16()}, encoder / "model.fp16.safetensors")
    pins.save(measuring / pins.PATH.format(pin="encoder"), pin_folder("encoder", encoder))
    bind_measures.STAGE.execute()
    found = circular.load(measuring / circular.PATH)
    assert set(found["atlas"]) == {"clip_score", "cultural_similarity"}
    assert "its scorer clip has the text encoder that atlas itself reads" in capsys.readouterr().err


def test_another_encoder_is_not_circular(measuring: Path) -> None:
    bind_measures.STAGE.execute()
    assert circular.load(measuring / circular.PATH) == {"atlas": {}}


def test_only_what_measures_need_is_bound(measuring: Path) -> None:
    bind_measures.STAGE.execute()
    found = {path.name for path in (measuring / pins.MEASURES).iterdir()} - {"alignment.json"}
    assert found == {"clip.json", "text.json", "image_reward.json", "lpips.json", "labels.json"}


def test_the_pictures_measured_are_those_that_were_made(measuring: Path) -> None:
    rows = rows_of(measuring)
    made = pictures.TABLE.load(
        measuring / pictures.TEST_PATH.format(model="atlas", condition="noun"), ("prompt_id", "seed")
    )
    wanted = sorted((row["prompt_id"], row["seed"]) for row in made)
    assert sorted((r["prompt_id"], r["seed"]) for r in rows if r["measure"] == "clip_score") == wanted
