"""A tower that nobody asks to probe: its stages stand aside, and what is made of the others does not change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from culturebench.artifacts import (
    binding,
    directions,
    layer_check,
    layer_probe,
    levels,
    neurons,
    selected,
)
from culturebench.artifacts._table import ArtifactError
from culturebench.checks import problems
from culturebench.params import load_section
from culturebench.params.encoders import Encoder
from culturebench.params.models import Models
from import_graph import ROOT
from method_project import write_method_project, write_params
from stages import bind_encoder, check_layers, probe_layers, select_neurons, train_sae

STAGES = (check_layers, probe_layers, train_sae, select_neurons)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CULTUREBENCH_STORE", str(tmp_path / "store"))
    write_method_project(tmp_path)
    write_params()
    params = yaml.safe_load((tmp_path / "params.yaml").read_text())
    params["encoders"]["other"] = {**params["encoders"]["tiny"], "probed": False}
    params["models"]["small"] |= {"towers": ["other", "tiny"], "edited": "tiny"}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    return tmp_path


def test_its_stages_stand_aside_and_its_model_takes_over_the_probed_one_alone(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for encoder in ("other", "tiny"):
        for stage in STAGES:
            stage.STAGE.execute(encoder=encoder)
    said = [line for line in capsys.readouterr().err.splitlines() if "stands aside" in line]
    assert [line.split(":")[0] for line in said] == [stage.STAGE.name for stage in STAGES]
    assert all("encoders.other stands aside: `probed: false`" in line for line in said)
    with pytest.raises(ArtifactError, match=r"layer\.json holds no layer: `probed: false`"):
        layer_probe.load_layer(Path(layer_probe.LAYER_PATH.format(encoder="other")))
    assert layer_check.load(Path(layer_check.PATH.format(encoder="other")))["points"] == []
    for table in (neurons, selected, directions, levels):
        assert table.TABLE.load(Path(table.PATH.format(encoder="other"))) == []
    bind_encoder.STAGE.execute(model="small")
    assert [path.name for path in Path(binding.PATH.format(model="small")).iterdir()] == ["tiny"]


def test_whether_it_is_probed_changes_nothing_of_what_a_system_reads() -> None:
    entry = {"adapter": "atlas", "pin": "encoder"}
    assert Encoder(**entry, probed=False).reading == Encoder(**entry).reading
    assert "probed" not in Encoder(**entry).reading


def test_a_tower_that_a_model_edits_has_to_be_probed(edited: Callable[[str, bool], list[str]]) -> None:
    assert edited("atlas", True) == []
    (said,) = edited("atlas", False)
    assert "encoders.atlas.probed is false, and models.atlas edits that tower" in said


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, bool], list[str]]:
    (tmp_path / "annotations").symlink_to(ROOT / "annotations")
    document = yaml.safe_load((ROOT / "params.yaml").read_text())

    def told(encoder: str, probed: bool) -> list[str]:
        document["encoders"][encoder]["probed"] = probed
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(document))
        return problems(tmp_path)

    return told


@pytest.mark.parametrize("name", ["sdxl", "sd35_medium", "sd35_large", "flux"])
def test_of_the_published_systems_the_edited_tower_alone_is_probed(name: str) -> None:
    document = yaml.safe_load((ROOT / f"examples/models/{name}.yaml").read_text())
    (model,) = load_section(Models, document).root.values()
    probed = [tower for tower, entry in document["encoders"].items() if not Encoder(**entry).closed]
    assert probed == [model.edited]
