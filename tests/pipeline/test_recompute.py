"""A change recomputes exactly what is downstream of it."""

from __future__ import annotations

import json
import shutil

import pytest

from workspace import REGIONS, Params, Workspace

pytestmark = pytest.mark.slow

JOINT_DATA = {"unfiled", "deduplicate", "ground", "split"}
DATA = {"collect", "screen", "relevance", "annotate", "caption", *JOINT_DATA}
ENCODER = {"probe_layers", "train_sae", "select_neurons"}


def executed(outcomes: dict[str, str]) -> set[str]:
    """Full names of the stages whose inputs had changed: they ran, or came back from the cache."""
    return {stage for stage, outcome in outcomes.items() if outcome != "cached"}


def recompute(workspace: Workspace, *targets: str) -> set[str]:
    """The stages that were executed; all that status was certain of, and none that it did not name."""
    pipeline = workspace.look()
    outcomes = workspace.repro(*targets)
    ran = executed(outcomes)
    certain = {name for name, entry in pipeline.stale.items() if entry.certain}
    assert certain & pipeline.select(targets).keys() <= ran <= pipeline.stale.keys()
    return ran


def groups(stages: set[str]) -> set[str]:
    return {stage.split("@")[0] for stage in stages}


def test_nothing_changed_runs_nothing(finished: Workspace) -> None:
    assert recompute(finished) == set()


AMPLIFIED = "data/pictures/atlas/amplified"
READERS = {
    "judge@atlas_cnn-atlas-amplified",
    "judge@atlas_vit-atlas-amplified",
    "measure@atlas-amplified",
    "audit_judge@atlas",
    "compare_english@atlas",
    "plan_study",
    "study",
    "evaluate",
}


def test_another_strength_grid_recomputes_the_edited_pictures_and_what_reads_them(workspace: Workspace) -> None:
    before = workspace.hashes()
    workspace.edit_params(lambda params: params["tune_strength"].update(amplify=[0, 3, 5]))
    ran = recompute(workspace)
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
    ran = recompute(workspace)
    assert {"pin_model@atlas_backbone", "generate@atlas-noun"} <= ran
    assert not groups(ran) & (ENCODER | DATA)


def test_a_new_encoder_pin_recomputes_nothing_of_the_data_half(workspace: Workspace) -> None:
    repin(workspace, "atlas_encoder")
    ran = recompute(workspace)
    assert {"pin_model@atlas_encoder", "probe_layers@atlas", "generate@atlas-noun"} <= ran
    assert not groups(ran) & DATA


def test_a_new_encoder_runs_its_own_chain_and_leaves_all_pictures_as_they_are(workspace: Workspace) -> None:
    workspace.edit_params(lambda params: params["encoders"].update(second=dict(params["encoders"]["atlas"])))
    ran = recompute(workspace)
    chain = {f"{stage}@second" for stage in (*ENCODER, "check_layers")}
    # Those that bind look at every encoder, and hand on the same bytes.
    assert chain <= ran <= chain | {"bind_pins@atlas", "bind_encoder@atlas", "bind_measures", "report"}


def test_a_new_judge_pin_recomputes_that_judges_answers_alone(workspace: Workspace) -> None:
    repin(workspace, "atlas_vit")
    ran = recompute(workspace)
    judged = {f"judge@atlas_vit-atlas-{name}" for name in ("noun", "cultural", "amplified", "enhanced")}
    judged.add("judge_reliability@atlas_vit")
    # Those that bind look at every pin, and hand on the same bytes.
    bound = {"bind_pins@atlas", "bind_judge@atlas_vit", "bind_judge@atlas_cnn", "bind_measures", "bind_features"}
    assert judged <= ran <= judged | bound | {"pin_model@atlas_vit", "evaluate", "study", "report"}


def test_one_decision_in_one_region_recomputes_that_region_and_the_joint_stages(workspace: Workspace) -> None:
    def drop_the_first(text: str) -> str:
        return "".join(text.splitlines(keepends=True)[1:])

    workspace.edit("annotations/decisions/jp.jsonl", drop_the_first)
    ran = recompute(workspace, "split")
    assert "annotate@jp" in ran
    assert ran <= {"annotate@jp", "caption@jp", "ground", "split"}


def test_a_new_region_runs_its_own_chain_and_the_joint_stages(workspace: Workspace) -> None:
    workspace.edit_params(lambda params: params["regions"].append("cn"))
    ran = recompute(workspace, "split")
    chain = {f"{stage}@cn" for stage in ("collect", "screen", "annotate", "caption")} | {"relevance@cn-clip0"}
    # The keepers of the other regions are written anew by deduplicate; equal bytes end the recompute there.
    assert ran == chain | JOINT_DATA


def test_a_region_that_leaves_again_leaves_the_state_of_before(workspace: Workspace) -> None:
    before, hashes = (workspace.root / "params.yaml").read_text(encoding="utf-8"), workspace.hashes()
    workspace.edit_params(lambda params: params["regions"].append("cn"))
    workspace.repro("split")
    (workspace.root / "params.yaml").write_text(before, encoding="utf-8")
    assert "ran" not in workspace.repro().values()
    assert {path: digest for path, digest in workspace.hashes().items() if path in hashes} == hashes
    assert not list((workspace.root / "data").rglob("cn.parquet"))
    assert executed(workspace.repro()) == set()


def test_a_new_modifier_collects_nothing(workspace: Workspace) -> None:
    def add(text: str) -> str:
        return text.replace("modifiers: {local: [", "modifiers: {local: [日本らしい, ", 1)

    workspace.edit("annotations/regions/jp.yaml", add)
    ran = recompute(workspace, "split")
    assert "caption@jp" in ran
    assert ran <= {"relevance@jp-clip0", "deduplicate", "caption@jp", "ground", "split"}


def test_a_comment_in_the_guidelines_recomputes_nothing(workspace: Workspace) -> None:
    workspace.edit("annotations/guidelines.md", lambda text: f"{text}\n<!-- to be discussed -->\n")
    workspace.edit("annotations/regions/nl.yaml", lambda text: f"# to be discussed\n{text}")
    assert recompute(workspace) == set()


def test_a_note_to_annotators_reaches_what_a_model_is_told_and_nothing_else(workspace: Workspace) -> None:
    workspace.edit("annotations/regions/nl.yaml", lambda text: text.replace("notes: |", "notes: |\n  Ask again.", 1))
    assert recompute(workspace) == {"caption@nl"}


def test_an_earlier_state_comes_back_without_running_anything(workspace: Workspace) -> None:
    before = (workspace.root / "params.yaml").read_text(encoding="utf-8")
    hashes = workspace.hashes()
    workspace.edit_params(lambda params: params["screen"].update(blur={"drop": 0.0002}))
    assert "ran" in workspace.repro("split").values()
    (workspace.root / "params.yaml").write_text(before, encoding="utf-8")
    pipeline = workspace.look()
    outcomes = workspace.repro()
    assert "ran" not in outcomes.values()
    assert "restored" in outcomes.values()
    assert executed(outcomes) <= pipeline.stale.keys()
    assert workspace.hashes() == hashes


def test_every_region_of_the_run_is_counted(finished: Workspace) -> None:
    assert set(json.dumps(finished.load_json("reports/metrics/data.json")).split('"')) >= set(REGIONS)
