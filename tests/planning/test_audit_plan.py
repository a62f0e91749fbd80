"""The plan of an audit: operations against torch's own counter, and passes against the sets that are silenced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from torch.utils.flop_counter import FlopCounterMode
from typer.testing import CliRunner

import tiny_vlms
from culturebench.cli import app
from culturebench.params import load_section
from culturebench.params._runtime import Runtime
from culturebench.params.audits import Audit
from culturebench.params.select_vlm_neurons import SelectVlmNeurons
from culturebench.params.silence import Silence
from culturebench.planning.audit import (
    CULTURES,
    QUESTIONS,
    SHAPES,
    AuditPlanError,
    Shape,
    question_flops,
    shape_of,
    steps,
)
from culturebench.vlm.model import Vlm
from import_graph import ROOT

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def test_a_prompts_operations_are_those_that_torch_counts(tmp_path: Path) -> None:
    vlm = Vlm(tiny_vlms.write("qwen25_vl", tmp_path), Runtime(attention="eager"))
    inputs = vlm.inputs(tiny_vlms.PROMPTS[:1], vlm.see(tiny_vlms.PICTURES[:1]))
    with FlopCounterMode(display=False) as counter:
        vlm.forward(inputs)
    size = vlm.model.get_input_embeddings().weight.shape[0]
    shape = Shape(2, 32, 48, 4, 2, 8, size, tower=0, patches=4, tokens=4)
    assert counter.get_total_flops() == pytest.approx(question_flops(shape, inputs["input_ids"].shape[1]), rel=0.02)


def test_the_published_models_have_the_weights_that_their_names_say() -> None:
    assert {name: round(shape.weights / 1e9, 1) for name, shape in SHAPES.items()} == {
        "Qwen/Qwen2.5-VL-7B-Instruct": 8.3, "llava-hf/llava-v1.6-mistral-7b-hf": 7.6, "neulab/Pangea-7B-hf": 7.9,
    }  # fmt: skip
    with pytest.raises(AuditPlanError, match="not known here; known: Qwen"):
        shape_of("a/b")


def test_every_question_is_put_once_for_each_set_of_neurons() -> None:
    selection, silence = load_section(SelectVlmNeurons, DOCUMENT), load_section(Silence, DOCUMENT)
    silence = silence.model_copy(update={"languages": ("english",), "by_layer": None})
    found = steps(Audit(pin="", questions=""), SHAPES["neulab/Pangea-7B-hf"], selection, silence, 0.5)
    asked = {step.stage: step.asked for step in found}
    assert asked["probe_vlm"] == QUESTIONS / 2
    assert asked["silence"] == QUESTIONS / 2 * (1 + CULTURES * (4 + selection.draws))


def test_the_command_prints_time_memory_and_disk() -> None:
    done = CliRunner().invoke(app, ["plan", "--audit", "qwen25_vl_7b", "--gpu", "h200"])
    assert done.exit_code == 0, done.output
    for said in ("make_questions", "probe_vlm", "silence", "Weights 16.6 GB", "it fits", "estimate"):
        assert said in done.output
