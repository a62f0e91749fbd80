"""The check that waits for a GPU runs whole without one, at tiny sizes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import layouts
from benchmarks.gpu.timing import Timed, in_turns, ratio, rounds
from import_graph import ROOT

#: System -> what its table has to say.
ROWS = {
    "sdxl": (
        "2 pictures, ours", "2 pictures, the library's call", "ours beside a plain loop",
        "2 pictures with an edit in force", "a step of the enhancer", "a step of the LoRA",
        "probing beside a bare pass", "ours with channels_last", "ours with compile",
    ),
    "xlmr_sae": ("probing", "features of one layer", "a step of an autoencoder, 32 to 128", "ours beside sparsify"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("system", ROWS)
def test_the_check_runs_without_a_gpu_and_leaves_nothing_out(system: str, tmp_path: Path) -> None:
    command = ["bash", "benchmarks/gpu.sh", system, "--tiny", "--minutes", "60", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / f"{system}.md").read_text(encoding="utf-8") == done.stdout
    lines = {line.split(" | ")[0].removeprefix("| "): line for line in done.stdout.splitlines() if line[:2] == "| "}
    for wanted in ROWS[system]:
        found = [line for name, line in lines.items() if name.startswith(wanted)]
        assert found and "left out" not in found[0] and "not installed" not in found[0], wanted
    assert "mean nothing" in done.stdout.splitlines()[0]


def test_published_weights_have_the_published_shapes_and_a_sums_terms_decide_their_size(tmp_path: Path) -> None:
    described = {
        "config": {"kind": "any"},
        "files": ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"],
        "tensors": {
            "token_embedding.weight": [500, 64],
            "layers.{0,1}.weight": [256, 400],
            "norm.weight": [64],
            "layers.0.bias": [256],
        },
    }
    layouts.write_published(tmp_path / "a", described, 0)
    layouts.write_published(tmp_path / "b", described, 0)
    found = {key: value for file in described["files"] for key, value in load_file(tmp_path / "a" / file).items()}
    assert {key: list(value.shape) for key, value in found.items()} == layouts.published_shapes(described)
    assert {value.dtype for value in found.values()} == {torch.bfloat16}
    deviations = {key: float(value.float().std()) for key, value in found.items()}
    assert deviations["token_embedding.weight"] == pytest.approx(1, rel=0.02)
    assert deviations["layers.0.weight"] == pytest.approx(400**-0.5, rel=0.02)
    assert float(found["norm.weight"].float().mean()) == pytest.approx(1, abs=0.05)
    assert not torch.equal(found["layers.0.weight"], found["layers.1.weight"])
    for file in described["files"]:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_what_takes_turns_is_compared_round_by_round() -> None:
    calls: list[str] = []
    found = in_turns({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, torch.device("cpu"), 3)
    assert calls == ["a", "b"] * 3
    assert len(found["a"].seconds) == len(found["b"].seconds) == 3
    assert [rounds(10, 100), rounds(10, 4), rounds(10, 0.1)] == [1, 2, 5]
    assert ratio(Timed([2, 30, 4]), Timed([1, 10, 1])) == 3
