"""Adapters of the denoiser from params.yaml to the report, by DVC."""

from __future__ import annotations

import pytest
import yaml

from import_graph import ROOT
from workspace import Params, Workspace

pytestmark = pytest.mark.slow

NAMES = ("preserved", "k_style")
STAGES = ("train_adapter", "generate_adapted", "compare_adapters")


def test_adapters_that_are_named_are_trained_compared_and_reported_and_nothing_else_runs(workspace: Workspace) -> None:
    assert 'id="adapters"' not in (workspace.root / "reports/index.html").read_text(encoding="utf-8")
    shipped = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["adapters"]

    def name_adapters(params: Params) -> None:
        params["adapters"] = {name: shipped[name] for name in NAMES}
        params["train_adapter"] |= {"steps": 2, "checkpoint_every": 1, "log_every": 1, "log_pairs": 2}
        params["train_adapter"] |= {"batch_size": 2, "concepts": 2}
        params["generate_adapted"] |= {"prompts": 2, "others_per_region": 1, "strengths": [0.5, 1], "measured": 1}

    workspace.edit_params(name_adapters)
    ran = {stage for stage, outcome in workspace.repro().items() if outcome == "ran"}
    assert ran - {"code"} == {*(f"{stage}@atlas-{name}" for stage in STAGES for name in NAMES), "report"}
    page = (workspace.root / "reports/index.html").read_text(encoding="utf-8")
    assert 'id="adapters"' in page and "k_style: L_cultural" in page
