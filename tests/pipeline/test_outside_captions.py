"""Captions from outside of the benchmark, from their file to the report, by DVC."""

from __future__ import annotations

import csv

import pytest

from culturebench.conditions import condition
from import_graph import ROOT
from workspace import REGIONS, Workspace

pytestmark = pytest.mark.slow

JUDGES = ("atlas_cnn", "atlas_vit")
CONDITIONS = ("noun", "amplified", "enhanced")  # of the shrunken run's: these captions have no cultural wording


def name_captions(workspace: Workspace) -> int:
    """Name a file with the run's part of the example in params.yaml; the number of its captions."""
    with (ROOT / "examples/ood/captions.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["country"] in REGIONS and row["domain"] != "toys"]
    with (workspace.root / "outside.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    workspace.edit_params(lambda params: params["prompts"].update(outside={"file": "outside.csv"}))
    return len(rows)


def test_a_named_file_adds_its_own_stages_rows_and_table_and_changes_none_of_the_others(workspace: Workspace) -> None:
    before = workspace.load_json("reports/metrics/evaluation.json")
    captions = name_captions(workspace)
    ran = {stage for stage, outcome in workspace.repro().items() if outcome != "cached"}
    assert ran == {
        "load_prompts@outside",
        *(f"{condition(name).stage}@atlas-{name}" for name in (*CONDITIONS, "cultural")),
        *(f"judge@{judge}-atlas-{name}" for judge in JUDGES for name in (*CONDITIONS, "cultural")),
        "audit_judge@atlas",
        "compare_english@atlas",
        "evaluate",
        "plan_study",
        "study",
        "report",
    }
    rows = workspace.load_json("reports/metrics/evaluation.json")
    assert [row for row in rows if row["prompts"] == "test"] == before
    outside = [row for row in rows if row["prompts"] == "outside"]
    judged = {row["condition"]: row for row in outside if (row["measure"], row["judge"]) == ("culture_vqa", "pooled")
              and row["region"] == "all" and not row["against"]}  # fmt: skip
    assert judged.keys() == set(CONDITIONS)
    assert {(row["n_prompts"], row["n_images"]) for row in judged.values()} == {(captions, 2 * captions)}
    tested = {row["condition"] for row in outside if row["p_value"] is not None and row["measure"] == "culture_vqa"}
    assert tested == {"amplified", "enhanced"}
    page = (workspace.root / "reports/index.html").read_text(encoding="utf-8")
    assert "Captions from outside of the benchmark: outside" in page
    assert f"{captions} captions, {2 * captions} pictures per condition" in page
