"""A newer revision of an encoder is probed beside the workspace, and becomes the pinned one when a person says so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.testing.utilities import prefect_test_harness
from safetensors.numpy import load_file, save_file

from culturebench.artifacts import evaluation, pins
from culturebench.pins import pin_folder
from culturebench.revisions import PATH, REPORT
from flows.reprobe import reprobe
from hub_server import COMMIT, NEWER, REPO, Hub, serving
from workspace import Params, Workspace, set_conditions

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("reprobe")]

PIN = "atlas_encoder"
ACCEPTED = "culturebench/atlas/weights/encoder"
CONDITIONS = ["noun", "cultural", "amplified"]
FOLLOWED = "weights/encoder"  # Git does not track it


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Two regions, committed and probed; the encoder's pin follows a folder in which nothing lies yet."""
    found = Workspace.fresh(tmp_path_factory.mktemp("reprobe"))

    def narrow(params: Params) -> None:
        params["regions"] = ["jp", "nl"]
        params["judges"].pop("atlas_vit")
        set_conditions(params, pinned=CONDITIONS[:2], edited=CONDITIONS[2:], enhanced=())
        params["sites"] = []

    found.edit_params(narrow)
    found.edit(".gitignore", lambda text: text + "/weights/\n")
    found.edit("params.yaml", lambda text: text.replace(f"folder: {ACCEPTED}\n", f"folder: {ACCEPTED}  # by hand\n"))
    found.edit("params.yaml", lambda text: text.replace("  # by hand\n", f"  # by hand\n    follow: {FOLLOWED}\n"))
    found.commit()
    found.repro("select_neurons")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in found.environment.items():
            patch.setenv(name, value)
        with prefect_test_harness(server_startup_timeout=120):
            yield found


@pytest.fixture(scope="module")
def proposed(workspace: Workspace) -> dict[str, str]:
    """What the flow says when a revision lies in the folder: the same files, the weights moved by a tenth."""
    assert "skipped" in reprobe(root=workspace.root)[PIN]
    source, target = workspace.root / ACCEPTED, workspace.root / FOLLOWED
    rng = np.random.default_rng(0)
    for path in source.rglob("*"):
        if path.is_file():
            copied = target / path.relative_to(source)
            copied.parent.mkdir(parents=True, exist_ok=True)
            copied.write_bytes(path.read_bytes())
    assert reprobe(root=workspace.root)[PIN] == "nothing new"
    for path in target.rglob("*.safetensors"):
        tensors = load_file(path)
        moved = {
            name: (tensor + 0.1 * tensor.std() * rng.normal(size=tensor.shape)).astype(tensor.dtype)
            for name, tensor in tensors.items()
        }
        save_file(moved, path, {"format": "pt"})
    return reprobe(root=workspace.root, evaluate=True)


def test_another_revision_is_probed_and_its_drift_is_told(workspace: Workspace, proposed: dict[str, str]) -> None:
    assert proposed == {PIN: "another revision was probed"}
    told = (workspace.root / REPORT.format(pin=PIN)).read_text(encoding="utf-8")
    assert f"Accepted: `{ACCEPTED}`. Proposed: `{FOLLOWED}`" in told
    for region in ("jp", "nl"):
        (line,) = [line for line in told.splitlines() if line.startswith(f"| {region} |")]
        overlap, floor = (float(cell) for cell in line.split("|")[2:4])
        assert 0 <= overlap <= 1
        assert 0 <= floor < 1
    with get_client(sync_client=True) as client:
        wanted = ArtifactFilter(key=ArtifactFilterKey(any_=["drift-atlas-encoder"]))
        (artifact,) = client.read_artifacts(artifact_filter=wanted)
    assert artifact.data == told


def test_both_revisions_are_evaluated_when_that_is_asked_for(workspace: Workspace, proposed: dict[str, str]) -> None:
    told = (workspace.root / REPORT.format(pin=PIN)).read_text(encoding="utf-8")
    rows = [line.strip("|").split("|") for line in told.splitlines() if line.startswith("| atlas | ")]
    assert [row[1].strip() for row in rows] == sorted(CONDITIONS)
    for _, _, accepted, other, change in rows:
        difference, low, high = map(float, change.replace("[", "").replace("]", "").replace(",", "").split())
        assert difference == pytest.approx(float(other) - float(accepted), abs=0.0011)
        assert low <= difference <= high
    assert not (workspace.root / evaluation.PATH).exists(), "the workspace itself is not evaluated"


def test_the_workspace_stays_as_it_is_until_somebody_accepts(workspace: Workspace, proposed: dict[str, str]) -> None:
    stale = workspace.look().stale
    assert not {"pin_model@atlas_encoder", "probe_layers@atlas", "select_neurons@atlas"} & set(stale)
    assert not list((workspace.root / ".dvc/tmp").glob("experiment-*"))
    pin = pins.load(workspace.root / PATH.format(pin=PIN))
    assert pin.files == pin_folder(PIN, workspace.root / FOLLOWED).files
    assert reprobe(root=workspace.root) == {PIN: "waits for a person: culturebench pins accept atlas_encoder"}


def test_what_was_accepted_is_restored_and_no_stage_of_the_data_is_stale(
    workspace: Workspace, proposed: dict[str, str]
) -> None:
    before = (workspace.root / "params.yaml").read_text(encoding="utf-8")
    culturebench(workspace, "accept")
    after = (workspace.root / "params.yaml").read_text(encoding="utf-8")
    assert after == before.replace(f"folder: {ACCEPTED}  # by hand", f"folder: {FOLLOWED}  # by hand")
    stale = workspace.look().stale
    assert stale["pin_model@atlas_encoder"].certain
    data = {"collect", "unfiled", "screen", "relevance", "deduplicate", "annotate", "caption", "ground", "split"}
    assert not {name.split("@")[0] for name in stale} & data
    outcomes = workspace.repro("select_neurons")
    assert {name for name, outcome in outcomes.items() if outcome == "ran"} == set()
    assert outcomes["select_neurons@atlas"] == "restored"
    assert reprobe(root=workspace.root) == {PIN: "nothing new"}


def test_a_branch_of_a_repository_is_probed_at_its_newest_commit(
    workspace: Workspace, proposed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted, other = (files(workspace.root / folder) for folder in (ACCEPTED, FOLLOWED))
    pinned = {"folder": "weights/tiny", "repo": REPO, "commit": COMMIT, "follow": "main"}
    workspace.edit_params(lambda params: params["pins"].update({PIN: pinned}))
    with serving(Hub(accepted)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        culturebench(workspace, "fetch")
        assert reprobe(root=workspace.root) == {PIN: "nothing new"}
        hub.newer = other
        assert reprobe(root=workspace.root) == {PIN: "another revision was probed"}
        assert files(workspace.root / "weights/tiny") == accepted, "the workspace keeps its weights"
        told = (workspace.root / REPORT.format(pin=PIN)).read_text(encoding="utf-8")
        assert f"Accepted: `{COMMIT}`. Proposed: `{NEWER}`" in told
        assert f"culturebench pins fetch {PIN}" in culturebench(workspace, "accept")
        culturebench(workspace, "fetch")
        assert files(workspace.root / "weights/tiny") == other
        assert reprobe(root=workspace.root) == {PIN: "nothing new"}
    assert "skipped" in reprobe(root=workspace.root)[PIN], "nobody answers any more"


def files(folder: Path) -> dict[str, bytes]:
    """What a pin would hold of the folder."""
    return {name: (folder / name).read_bytes() for name in pin_folder(PIN, folder).files}


def culturebench(workspace: Workspace, command: str) -> str:
    """What `culturebench pins <command>` prints for the encoder's pin."""
    code = "from culturebench.cli import main; main()"
    arguments = [sys.executable, "-c", code, "pins", command, PIN]
    done = subprocess.run(
        arguments, cwd=workspace.root, env=workspace.shell, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
