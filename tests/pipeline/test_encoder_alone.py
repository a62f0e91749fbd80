"""A project that probes a text encoder and has no picture model: its stages run, and its report says what there is."""

from __future__ import annotations

import pytest

from culturebench.checks import problems
from workspace import Params, Workspace

pytestmark = pytest.mark.slow


def encoders_alone(params: Params) -> None:
    """The finished project without what makes pictures; its autoencoders go to another selection of neurons."""
    params["models"], params["judges"] = {}, {}
    params["select_neurons"]["seed"] += 1


def test_encoders_without_a_model_are_probed_and_reported(workspace: Workspace) -> None:
    workspace.edit_params(encoders_alone)
    assert problems(workspace.root) == []
    outcomes = workspace.repro()
    assert outcomes["probe_layers@atlas"] == "cached"  # it asks for no model
    assert outcomes["select_neurons@atlas"] == outcomes["report"] == "ran"
    assert not {name for name in outcomes if name.startswith(("generate", "judge", "bind_encoder", "tune_strength"))}
    page = (workspace.root / "reports/index.html").read_text(encoding="utf-8")
    assert 'id="layer"' in page and 'id="neurons"' in page and "A text encoder that no picture model" in page
    assert 'href="#pictures"' not in page and "How far the judges can be trusted" not in page
    curves = (workspace.root / "reports/plots/layers.csv").read_text(encoding="utf-8").splitlines()
    assert len(curves) > 1 and all(line.startswith(",atlas,") for line in curves[1:])
    again = workspace.repro()
    assert again["evaluate"] == again["report"] == "cached"
