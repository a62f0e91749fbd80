"""What a pin follows is found, and taken over by a person or refused without a trace."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from culturebench.artifacts import pins
from culturebench.errors import CultureBenchError
from culturebench.params.pins import PinSource
from culturebench.pins import PinError, pin_folder
from culturebench.revisions import PATH, Revision, accept, newer, waiting
from hub_server import COMMIT, NEWER as COMMITTED, REPO, Hub, serving
from import_graph import ROOT

PIN, FOLDER, NEWER = "atlas_encoder", "culturebench/atlas/weights/encoder", "weights/newer"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The params and regions of this project, and a proposal for its encoder."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "annotations", tmp_path / "annotations")
    (tmp_path / NEWER).mkdir(parents=True)
    (tmp_path / NEWER / "config.json").write_text("{}")
    pins.save(tmp_path / PATH.format(pin=PIN), replace(pin_folder(PIN, tmp_path / NEWER), folder=NEWER))
    return tmp_path


def test_accepting_changes_one_value_and_no_other_character(project: Path) -> None:
    before = (project / "params.yaml").read_text(encoding="utf-8")
    assert accept(project, PIN).startswith(f"params.yaml now names {NEWER}")
    assert (project / "params.yaml").read_text(encoding="utf-8") == before.replace(FOLDER, NEWER)
    with pytest.raises(CultureBenchError, match="waiting: none"):
        accept(project, PIN)


def test_a_comment_beside_the_pin_stays(project: Path) -> None:
    path = project / "params.yaml"
    flow = f"{PIN}: {{folder: {FOLDER}}}"
    block = f"{PIN}:\n    folder: '{FOLDER}'  # the first one\n    follow: {NEWER}"
    path.write_text(path.read_text(encoding="utf-8").replace(flow, block), encoding="utf-8")
    accept(project, PIN)
    assert f"    folder: {NEWER}  # the first one\n" in path.read_text(encoding="utf-8")
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["pins"][PIN] == {"folder": NEWER, "follow": NEWER}


def refuses(project: Path, name: str, message: str) -> None:
    before = (project / "params.yaml").read_bytes()
    with pytest.raises(CultureBenchError, match=message):
        accept(project, name)
    assert (project / "params.yaml").read_bytes() == before


def test_weights_that_changed_since_they_were_probed_are_refused(project: Path) -> None:
    (project / NEWER / "config.json").write_text("[]")
    refuses(project, PIN, "config.json changed")


def test_a_pin_without_a_proposal_is_refused_with_those_that_wait(project: Path) -> None:
    refuses(project, "atlas_vit", "waiting: atlas_encoder")


def test_a_pin_that_left_the_params_is_refused(project: Path) -> None:
    path = project / PATH.format(pin=PIN)
    path.rename(path.with_stem("gone"))
    refuses(project, "gone", "gone")


def test_a_damaged_proposal_is_refused(project: Path) -> None:
    (project / PATH.format(pin=PIN)).write_text("{")
    refuses(project, PIN, "atlas_encoder.json")


# ── what a pin follows ──────────────────────────────────────────────────────────────────────────────────────────


def followed(**values: object) -> PinSource:
    return PinSource.model_validate({"folder": "weights/tiny", "repo": REPO, "commit": COMMIT, **values})


def test_a_branch_that_moved_on_is_found_and_one_that_did_not_is_nothing_new(tmp_path: Path) -> None:
    with serving(Hub({"config.json": b"{}"})) as hub:
        source = followed(follow="main")
        assert newer(tmp_path, "tiny", source, endpoint=hub.url) is None
        hub.newer = {"config.json": b"[]"}
        found = newer(tmp_path, "tiny", source, endpoint=hub.url)
        assert found == Revision("tiny", "commit", COMMIT, COMMITTED)
        assert not waiting(tmp_path, found)
        pins.save(tmp_path / PATH.format(pin="tiny"), pins.Pin("tiny", "weights/tiny", {}, REPO, COMMITTED))
        assert waiting(tmp_path, found)
        hub.asked.clear()
        assert newer(tmp_path, "tiny", followed(), endpoint=hub.url) is None
        assert not hub.asked, "a pin that follows nothing asks nobody"


def test_a_branch_that_is_not_there_a_closed_hub_and_no_network_are_told_apart(tmp_path: Path) -> None:
    with serving(Hub({"config.json": b"{}"}, token="hf_secret")) as hub:
        with pytest.raises(PinError, match="licence"):
            newer(tmp_path, "tiny", followed(follow="main"), token="hf_wrong", endpoint=hub.url)
        with pytest.raises(PinError, match=r"no branch 'next'; correct pins.tiny.follow"):
            newer(tmp_path, "tiny", followed(follow="next"), token="hf_secret", endpoint=hub.url)
    with pytest.raises(PinError, match="look at the network"):
        newer(tmp_path, "tiny", followed(follow="main"), endpoint="http://127.0.0.1:9")


def test_a_followed_folder_counts_by_its_files_alone(tmp_path: Path) -> None:
    source = PinSource(folder="one", follow="two")
    for name in ("one", "two"):
        with pytest.raises(PinError):
            newer(tmp_path, "tiny", source)
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    assert newer(tmp_path, "tiny", source) is None
    (tmp_path / "two/config.json").write_text("[]")
    assert newer(tmp_path, "tiny", source) == Revision("tiny", "folder", "one", "two")


def test_accepting_a_commit_changes_the_commit_and_says_how_to_fetch_it(project: Path) -> None:
    path = project / "params.yaml"
    pin = f"{PIN}: {{folder: weights/tiny, repo: {REPO}, commit: '{COMMIT}', follow: main}}"
    path.write_text(path.read_text(encoding="utf-8").replace(f"{PIN}: {{folder: {FOLDER}}}", pin), encoding="utf-8")
    refuses(project, PIN, "another source")
    pins.save(project / PATH.format(pin=PIN), pins.Pin(PIN, "weights/tiny", {}, REPO, COMMITTED))
    assert f"culturebench pins fetch {PIN}" in accept(project, PIN)
    now = yaml.safe_load(path.read_text(encoding="utf-8"))["pins"][PIN]
    assert now == {"folder": "weights/tiny", "repo": REPO, "commit": COMMITTED, "follow": "main"}
