"""The example of the published measures fits into params.yaml, and its mistakes would be found."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from culturebench.checks import problems
from culturebench.params import ParamsError, load_section
from culturebench.params.measure import Measure
from import_graph import ROOT

EXAMPLE: dict[str, Any] = yaml.safe_load((ROOT / "examples/measures/published.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What the checks read of the project, with the example put into its params."""
    shutil.copytree(ROOT / "annotations", tmp_path / "annotations")
    document = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    document["pins"].update(EXAMPLE["pins"])
    document["measure"] = EXAMPLE["measure"]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return tmp_path


def test_the_example_is_valid_and_switches_every_published_measure_on(project: Path) -> None:
    assert problems(project) == []
    chosen = load_section(Measure, EXAMPLE)
    assert all(getattr(chosen, name) for name in Measure.model_fields if name != "alignment")
    assert {pin for _, pin in chosen.pins()} == EXAMPLE["pins"].keys()


def test_a_measure_whose_pin_is_nowhere_is_named(project: Path) -> None:
    path = project / "params.yaml"
    path.write_text(path.read_text().replace("text: clip_multilingual", "text: clip_multi"))
    assert [text for text in problems(project) if "measure.clip_score.text: 'clip_multi' is not in `pins`" in text]


def test_an_unknown_network_is_refused_with_those_there_are() -> None:
    measure = {**EXAMPLE["measure"], "lpips": {"pin": "lpips_alex", "network": "squeeze"}}
    with pytest.raises(ParamsError, match=r"lpips\.network: Input should be 'alex' or 'vgg' \(got 'squeeze'\)"):
        load_section(Measure, {"measure": measure})
