"""A region goes to its experts with one flow and comes back with another: a real Label Studio, Prefect and DVC."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from platformdirs import user_cache_dir
from prefect.testing.utilities import prefect_test_harness

from culturebench.artifacts import duplicates
from culturebench.errors import CultureBenchError
from culturebench.label_studio import local, questions, region as work
from flows.extend_region import extend_region
from flows.sync_annotations import Git, sync_annotations
from studio import KEEP, Studio, choice
from studio_tables import write_test_split
from workspace import Params, Workspace

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("studio")]

ANSWERED = 24


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    home = tmp_path_factory.mktemp("studio")
    found = Studio.fresh(home, local.install(Path(user_cache_dir("culturebench"))))
    yield found
    local.stop(home)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, studio: Studio) -> Iterator[Workspace]:
    """One region and the data half, committed; nobody has decided on anything yet."""
    found = Workspace.fresh(tmp_path_factory.mktemp("experts"))

    def narrow(params: Params) -> None:
        params["regions"] = ["jp"]

    found.edit_params(narrow)
    found.edit("dvc.yaml", lambda text: text[: text.index("  # ── each text encoder")])
    found.edit("annotations/decisions/jp.jsonl", lambda text: "")
    found.commit()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABEL_STUDIO_URL", studio.entry.url)
        patch.setenv("LABEL_STUDIO_API_KEY", studio.entry.token)
        for name, value in found.environment.items():
            patch.setenv(name, value)
        with prefect_test_harness(server_startup_timeout=120):
            yield found


@pytest.fixture(scope="module")
def sent(workspace: Workspace) -> dict[str, int]:
    return extend_region("jp", root=workspace.root)


def test_a_region_is_collected_and_its_pictures_reach_the_experts(
    workspace: Workspace, studio: Studio, sent: dict[str, int]
) -> None:
    project = studio.server.project(work.title("jp", "pictures"))
    assert project is not None
    assert len(list(studio.server.tasks(project))) == sent["sent"] > ANSWERED
    assert sent["collected"] > sent["screened"] > sent["deduplicated"] > 0
    assert workspace.hashes()["data/duplicates"]


def test_the_same_flow_again_sends_nothing_twice(workspace: Workspace, sent: dict[str, int]) -> None:
    again = extend_region("jp", root=workspace.root)
    assert (again["sent"], again["there before"]) == (0, sent["sent"])


def test_answers_come_back_are_committed_and_a_region_with_its_quota_runs_what_is_stale(
    workspace: Workspace, studio: Studio, sent: dict[str, int]
) -> None:
    assert sync_annotations(root=workspace.root, quota=ANSWERED, git=Git(commit=True)) == {
        "jp": 0,
        "matches": 0,
        "questions": 0,
    }
    assert not (workspace.root / "data/train").exists()
    project = studio.server.project(work.title("jp", "pictures"))
    assert project is not None
    tasks = [task.number for task in studio.server.tasks(project)]
    first, second = studio.expert("first"), studio.expert("second")
    for task in tasks[:ANSWERED]:
        first.answer(task, *KEEP)
    assert sync_annotations(root=workspace.root, quota=ANSWERED) == {"jp": ANSWERED, "matches": 0, "questions": 0}
    assert not (workspace.root / "data/train").exists()
    for task in tasks[:ANSWERED]:
        second.answer(task, *KEEP)
    changed = sync_annotations(root=workspace.root, quota=ANSWERED, git=Git(commit=True))
    assert changed == {"jp": ANSWERED, "matches": 0, "questions": 0}
    assert (workspace.root / "data/train/jp.parquet").is_file()
    show = ["git", "show", "annotations:annotations/decisions/jp.jsonl"]
    committed = subprocess.run(show, cwd=workspace.root, check=True, capture_output=True, text=True).stdout
    assert committed == (workspace.root / "annotations/decisions/jp.jsonl").read_text(encoding="utf-8")
    assert len(committed.splitlines()) == 2 * ANSWERED
    answered = {json.loads(line)["picture_id"] for line in committed.splitlines()}
    rows = duplicates.TABLE.load(workspace.root / duplicates.PATH.format(region="jp"))
    there = answered & {row["picture_id"] for row in rows if row["status"] == "kept"}
    assert len(there) > ANSWERED - 2  # pictures with a known answer are asked about even where they have left
    assert workspace.load_json("reports/metrics/data.json")["regions"]["jp"]["annotate"]["kept"] == len(there)


def test_answers_to_the_judges_questions_come_back_by_the_same_flow_and_are_committed(
    workspace: Workspace, studio: Studio
) -> None:
    before = (workspace.root / "params.yaml").read_text(encoding="utf-8")
    asked = write_test_split(workspace.root, 2, ["jp", "nl"])
    questions.push(workspace.root, studio.server, studio.place)
    project = studio.server.project(questions.TITLE)
    assert project is not None
    expert = studio.expert("third")
    names = {"jp": "Japan", "nl": "Netherlands"}
    for task in studio.server.tasks(project):
        expert.answer(task.number, choice("answer", names[asked[task.external_id]]))
    changed = sync_annotations(regions=["jp"], root=workspace.root, git=Git(commit=True))
    (workspace.root / "params.yaml").write_text(before, encoding="utf-8")
    assert changed == {"jp": 0, "matches": 0, "questions": 4}
    show = ["git", "show", f"annotations:{questions.ANSWERS}"]
    committed = subprocess.run(show, cwd=workspace.root, check=True, capture_output=True, text=True).stdout
    assert committed == (workspace.root / questions.ANSWERS).read_text(encoding="utf-8")
    assert {json.loads(line)["answer"] for line in committed.splitlines()} == {"jp", "nl"}


def test_a_region_that_is_not_in_the_params_is_refused_before_anything_runs(workspace: Workspace) -> None:
    with pytest.raises(CultureBenchError, match="culturebench region add vn"):
        extend_region("vn", root=workspace.root)
    with pytest.raises(CultureBenchError, match="vn"):
        sync_annotations(regions=["vn"], root=workspace.root)
