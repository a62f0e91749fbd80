"""The stage on a pipeline of diffusers, and on models whose attention it does not read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import tiny_pipelines
from culturebench.artifacts import backbone_attention, pins
from culturebench.pins import pin_folder
from culturebench.report import backbone
from method_project import write_method_project
from stages import bind_pins, probe_attention

NUMBERS = {
    "pairs_per_region": 1, "placebos_per_region": 2, "max_length_ratio": 3.0, "seed": 0, "resamples": 100,
    "level": 0.95,
}  # fmt: skip
STEPS = 2


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That of `method_project`, with Stable Diffusion's layout beside the atlas's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CULTUREBENCH_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("culturebench.stage.THREADS", 1)
    write_method_project(tmp_path)
    folders = {"sd": tiny_pipelines.written("sd15", tmp_path / "weights"), "backbone": tmp_path / "backbone"}
    for name, folder in folders.items():
        pins.save(tmp_path / pins.PATH.format(pin=name), pin_folder(name, folder))
    params = yaml.safe_load((tmp_path / "params.yaml").read_text())
    tower = {"adapter": "transformers", "subfolder": "text_encoder", "tokenizer": "tokenizer", "pin": "sd"}
    params["encoders"]["l"] = tower
    params["models"] |= {
        "sd": {"adapter": "diffusers", "towers": ["l"], "pin": "sd", "size": 32, "guidance": 5.0},
        "plain": {"adapter": "show_o2", "towers": [], "pin": "sd"},
    }
    params |= {"probe_attention": NUMBERS, "sampler": {"steps": STEPS, "batch_size": 2}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    return tmp_path


def read(model: str) -> backbone_attention.BackboneAttention:
    bind_pins.STAGE.execute(model=model)
    probe_attention.STAGE.execute(model=model)
    return backbone_attention.load(Path(backbone_attention.PATH.format(model=model)))


def test_every_block_that_reads_the_prompt_stands_beside_placebos_and_in_the_report(project: Path) -> None:
    found = read("sd")
    assert not found["closed"] and found["words"] >= found["regions"] > 0
    assert {block["part"] for block in found["blocks"]} == {"modifier", "noun"}
    assert all(block["block"].endswith("attn2") and len(block["steps"]) == STEPS for block in found["blocks"])
    assert all(block["low"] <= block["placebo"] <= block["high"] for block in found["blocks"])
    first = Path(backbone_attention.PATH.format(model="sd")).read_bytes()
    read("sd")
    assert Path(backbone_attention.PATH.format(model="sd")).read_bytes() == first
    shown: Any = backbone.values(found)
    assert [panel["part"] for panel in shown["panels"]] == ["modifier", "noun"]


def test_what_is_not_read_says_why_in_one_sentence(project: Path) -> None:
    assert "one state of the whole prompt" in read("small")["closed"]
    assert "out of reach" in read("plain")["closed"]


def test_an_empty_section_switches_it_off(project: Path) -> None:
    for nothing in ({}, None):
        params = yaml.safe_load((project / "params.yaml").read_text()) | {"probe_attention": nothing}
        (project / "params.yaml").write_text(yaml.safe_dump(params))
        assert read("sd")["closed"] == "`probe_attention` is empty in params.yaml"
