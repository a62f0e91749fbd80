"""`culturebench sae`, on tiny autoencoders."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from culturebench import cli
from culturebench.artifacts import layer_probe, sae
from tiny_project import write_probe
from tiny_system import write_sae


def test_the_autoencoders_of_an_encoder_are_exported_one_folder_a_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").touch()  # as in a clone
    write_probe(tmp_path / layer_probe.LAYER_PATH.format(encoder="small"))
    for seed in (0, 3):
        write_sae(sae.seed_folder(tmp_path / sae.PATH.format(encoder="small"), seed), seed)
    done = CliRunner().invoke(cli.app, ["sae", "export", "small", "exported"])
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in Path("exported").iterdir()) == ["seed0", "seed3"]
    metadata = json.loads(Path("exported/seed3/cfg.json").read_text())["metadata"]
    assert metadata["hook_name"] == "layers.1.attention_output" and metadata["model_name"] == "small"


def test_an_encoder_without_autoencoders_is_told_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").touch()
    write_probe(tmp_path / layer_probe.LAYER_PATH.format(encoder="small"))
    done = CliRunner().invoke(cli.app, ["sae", "export", "small", "exported"])
    assert "dvc repro train_sae" in str(done.exception)
