"""A change recomputes exactly what is downstream of it."""

from __future__ import annotations

import json
import shutil

import pytest

from workspace import REGIONS, Params, Workspace

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]

JOINT_DATA = {"deduplicate", "split"}
DATA = {"collect", "screen", "annotate", "caption", *JOINT_DATA}
ENCODER = {"probe_layers", "train_sae", "select_neurons"}


def executed(outcomes: dict[str, str]) -> set[str]:
    """Full names of the stages whose inputs had changed: they ran, or came back from the cache."""
    return {stage for stage, outcome in outcomes.items() if outcome != "skipped"}


def groups(stages: set[str]) -> set[str]:
    return {stage.split("@")[0] for stage in stages}


def test_nothing_changed_runs_nothing(finished: Workspace) -> None:
    assert executed(finished.repro()) == set()


AMPLIFIED = "data/pictures/atlas/amplified.parquet"
READERS = {
    "judge@atlas_resnet-atlas-amplified",
    "judge@atlas_vit-atlas-amplified",
    "measure@atlas-amplified",
    "evaluate",
}


def test_another_strength_grid_recomputes_the_edited_pictures_and_what_reads_them(workspace: Workspace) -> None:
    before = workspace.hashes()
    workspace.edit_params(lambda params: params["tune_strength"].update(amplify=[0, 3, 5]))
    ran = executed(workspace.repro())
    # A grid that chooses the strength of before makes the same pictures, and equal bytes end the recompute there.
    readers = READERS if workspace.hashes()[AMPLIFIED] != before[AMPLIFIED] else set[str]()
    edited = {"generate_edited@atlas-amplified", "generate_one_prompt@atlas"}
    assert ran == {"tune_strength@atlas", "report"} | edited | readers


def repin(workspace: Workspace, pin: str) -> None:
    """The same weights in a new folder with one more file: another pin of the same behaviour."""

    def change(params: Params) -> None:
        folder = workspace.root / params["pins"][pin]["folder"]
        new = folder.with_name(f"{folder.name}_new")
        shutil.copytree(folder, new)
        (new / "NOTE.md").write_text("Pinned anew.\n", encoding="utf-8")
        params["pins"][pin]["folder"] = new.relative_to(workspace.root).as_posix()

    workspace.edit_params(change)


def test_a_new_backbone_pin_recomputes_no_probe_no_dictionary_and_no_neurons(workspace: Workspace) -> None:
    repin(workspace, "atlas_backbone")
    ran = executed(workspace.repro())
    assert {"pin_model@atlas_backbone", "generate@atlas-noun"} <= ran
    assert not groups(ran) & (ENCODER | DATA)


def test_a_new_encoder_pin_recomputes_nothing_of_the_data_half(workspace: Workspace) -> None:
    repin(workspace, "atlas_encoder")
    ran = executed(workspace.repro())
    assert {"pin_model@atlas_encoder", "probe_layers@atlas", "generate@atlas-noun"} <= ran
    assert not groups(ran) & DATA


def test_a_new_judge_pin_recomputes_that_judges_answers_alone(workspace: Workspace) -> None:
    repin(workspace, "atlas_vit")
    ran = executed(workspace.repro())
    judged = {f"judge@atlas_vit-atlas-{name}" for name in ("noun", "noun_en", "cultural", "amplified", "enhanced")}
    # bind_pins looks at every pin, and hands on the same bytes.
    assert judged <= ran <= judged | {"pin_model@atlas_vit", "bind_pins@atlas", "evaluate", "report"}


def test_one_decision_in_one_region_recomputes_that_region_and_the_joint_stages(workspace: Workspace) -> None:
    def drop_the_first(text: str) -> str:
        return "".join(text.splitlines(keepends=True)[1:])

    workspace.edit("annotations/decisions/jp.jsonl", drop_the_first)
    ran = executed(workspace.repro("split"))
    assert "annotate@jp" in ran
    assert ran <= {"annotate@jp", "caption@jp", "split"}


def test_a_new_region_runs_its_own_chain_and_the_joint_stages(workspace: Workspace) -> None:
    workspace.edit_params(lambda params: params["regions"].append("cn"))
    ran = executed(workspace.repro("split"))
    chain = {f"{stage}@cn" for stage in ("collect", "screen", "annotate", "caption")}
    # The keepers of the other regions are written anew by deduplicate; equal bytes end the recompute there.
    assert ran == chain | JOINT_DATA


def test_a_new_modifier_collects_nothing(workspace: Workspace) -> None:
    def add(text: str) -> str:
        return text.replace("modifiers: {local: [", "modifiers: {local: [日本らしい, ", 1)

    workspace.edit("annotations/regions/jp.yaml", add)
    ran = executed(workspace.repro("split"))
    assert "caption@jp" in ran
    assert ran <= {"caption@jp", "split"}


def test_a_comment_in_the_guidelines_recomputes_nothing(workspace: Workspace) -> None:
    workspace.edit("annotations/guidelines.md", lambda text: f"{text}\n<!-- to be discussed -->\n")
    workspace.edit("annotations/regions/nl.yaml", lambda text: f"# to be discussed\n{text}")
    workspace.edit("annotations/regions/nl.yaml", lambda text: text.replace("notes: |", "notes: |\n  Ask again.", 1))
    assert executed(workspace.repro()) == set()


def test_an_earlier_state_comes_back_without_running_anything(workspace: Workspace) -> None:
    before = (workspace.root / "params.yaml").read_text(encoding="utf-8")
    hashes = workspace.hashes()
    workspace.edit_params(lambda params: params["screen"].update(min_sharpness=0.0002))
    assert "ran" in workspace.repro("split").values()
    (workspace.root / "params.yaml").write_text(before, encoding="utf-8")
    outcomes = workspace.repro()
    assert "ran" not in outcomes.values()
    assert "restored" in outcomes.values()
    assert workspace.hashes() == hashes


def test_every_region_of_the_run_is_counted(finished: Workspace) -> None:
    assert set(json.dumps(finished.load_json("reports/metrics/data.json")).split('"')) >= set(REGIONS)
