"""In a project with DVC, a remote and kept files: after `culturebench forget` the bytes are nowhere, and stay away."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from culturebench.artifacts import candidates, screened, splits
from culturebench.sources.snapshot import Snapshot
from culturebench.store import Store
from workspace import Workspace

REGIONS = ("jp", "nl")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("takedown")]


def run(workspace: Workspace, *command: str) -> subprocess.CompletedProcess[str]:
    """A command of the shell, with this working tree's code and a person who never started a Label Studio."""
    entry = {"culturebench": "culturebench.cli", "dvc": "dvc.cli"}[command[0]]
    code = f"import sys; from {entry} import main; sys.exit(main())"
    environment = {"PYTHONPATH": str(workspace.root), "CULTUREBENCH_LABEL_STUDIO": str(workspace.root / "nowhere")}
    return subprocess.run(
        [sys.executable, "-c", code, *command[1:]],
        cwd=workspace.root,
        env=workspace.shell | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def done(workspace: Workspace, *command: str) -> str:
    result = run(workspace, *command)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def places(folder: Path, picture: bytes) -> list[str]:
    """Every file under `folder` in which the picture is; what is compressed in tables is read as pandas reads it."""
    found: list[str] = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink() or ".venv" in path.parts:
            continue
        data = path.read_bytes()
        if data[:4] == b"PAR1":
            frame = pq.read_table(path).to_pandas()
            cells = [cell for name in frame.columns for cell in frame[name] if isinstance(cell, bytes | dict)]
            data += b"".join(cell if isinstance(cell, bytes) else cell.get("bytes") or b"" for cell in cells)
        if picture in data:
            found.append(path.relative_to(folder).as_posix())
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Everything up to the splits, in two versions, pushed to a remote, released, and with files kept by collection."""
    folder = tmp_path_factory.mktemp("takedown")
    workspace = Workspace.fresh(folder)
    workspace.edit_params(lambda params: params.update(regions=list(REGIONS)))
    workspace.edit_params(lambda params: params["collect"]["sources"][0].update(pictures=25))
    done(workspace, "dvc", "remote", "add", "--default", "team", str(folder / "remote"))
    workspace.repro("split")
    done(workspace, "dvc", "push", "--run-cache", "split")
    workspace.edit_params(lambda params: params["split"].update(salt="another"))
    workspace.repro("split")
    done(workspace, "culturebench", "release", "1.0.0")
    workspace.repro("split")
    return workspace


def test_the_bytes_leave_every_place_and_never_come_back(project: Workspace) -> None:
    folder = project.root.parent
    row = next(row for row in splits.TABLE.load(project.root / splits.TRAIN / "jp.parquet"))
    picture, sha256 = row["image"], hashlib.sha256(row["image"]).hexdigest()
    Snapshot(Store(str(project.store)), "some-label").cache_file("https://example.org/a.jpg", picture)
    before = places(folder, picture)
    for place in ("project/data/candidates/", "project/data/train/", "project/.dvc/cache/", "remote/", "store/"):
        assert any(path.startswith(place) for path in before), place
    assert any("release/" in path for path in before)

    printed = done(project, "culturebench", "forget", sha256, "--reason", "asked by its author")
    left = places(folder, picture)
    assert left == [path for path in before if path.startswith("project/release/")]
    assert all(path.removeprefix("project/") in printed for path in left)  # a person is told what is theirs to delete
    line = {"reason": "asked by its author", "sha256": sha256}
    assert json.loads((project.root / "annotations/removed.jsonl").read_text()) == line

    outcomes = project.repro("split")
    assert outcomes["collect@jp"] == outcomes["split"] == "ran"
    tombstones = candidates.TABLE.load(project.root / candidates.PATH.format(region="jp"))
    (tombstone,) = [found for found in tombstones if found["sha256"] == sha256]
    assert (tombstone["status"], tombstone["error"], tombstone["image"]) == ("failed", "removed", None)
    assert tombstone["picture_id"] == row["picture_id"] and tombstone["author"] and tombstone["licence"]
    ids = {found["picture_id"]: found for found in screened.TABLE.load(project.root / "data/screened/jp.parquet")}
    assert ids[row["picture_id"]]["status"] == "dropped"
    for side in splits.SPLITS:
        for region in REGIONS:
            rows = splits.TABLE.load(project.root / splits.DIRECTORIES[side] / f"{region}.parquet", ["picture_id"])
            assert row["picture_id"] not in {found["picture_id"] for found in rows}

    done(project, "culturebench", "release", "1.1.0")
    assert places(folder, picture) == []
    assert sha256 in (project.root / "release/REMOVED.csv").read_text()

    # Neither an earlier state of params nor collecting again under a new label brings it back.
    project.edit_params(lambda params: params["split"].update(salt="culturebench"))
    project.repro("split")
    project.edit_params(lambda params: params["collect"].update(snapshot="again"))
    assert project.repro("split")["collect@jp"] == "ran"
    assert places(folder, picture) == []

    again = done(project, "culturebench", "forget", sha256, "--reason", "asked by its author")
    assert "names it already" in again and "Deleted: 0 files" in again
    assert len((project.root / "annotations/removed.jsonl").read_text().splitlines()) == 1
