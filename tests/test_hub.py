"""Weights from a hub: one commit, checked hashes, one clear error for a licence."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from pathlib import Path

import pytest
from pydantic import ValidationError

from culturebench.artifacts import pins
from culturebench.hub import fetch
from culturebench.params.pins import PinSource
from culturebench.pins import PinError, pin_repository
from hub_server import COMMIT, REPO, Hub, serving
from loopback import Server

FILES = {"config.json": b"{}", "unet/model.safetensors": b"weights" * 100, "README.md": b"words"}


@pytest.fixture
def hub() -> Generator[Hub]:
    with serving(Hub(dict(FILES))) as hub:
        yield hub


def source(folder: Path, **values: object) -> PinSource:
    return PinSource.model_validate({"folder": str(folder), "repo": REPO, "commit": COMMIT, **values})


def test_a_commit_is_downloaded_checked_and_pinned_with_its_origin(hub: Hub, tmp_path: Path):
    wanted = source(tmp_path / "tiny", files=["*.json", "unet/*"])
    folder = fetch("tiny", wanted, endpoint=hub.url)
    assert (folder / "unet/model.safetensors").read_bytes() == FILES["unet/model.safetensors"]
    assert not (folder / "README.md").exists(), "only what `files` names"
    pins.save(tmp_path / "tiny.json", pin_repository("tiny", folder, REPO, COMMIT))
    pin = pins.load(tmp_path / "tiny.json")
    assert (pin.repo, pin.commit) == (REPO, COMMIT)
    assert set(pin.files) == {"config.json", "unet/model.safetensors"}
    assert pin.files["config.json"].sha256 == hashlib.sha256(b"{}").hexdigest()


def test_what_is_there_already_is_not_downloaded_again(hub: Hub, tmp_path: Path):
    fetch("tiny", source(tmp_path / "tiny"), endpoint=hub.url)
    hub.asked.clear()
    fetch("tiny", source(tmp_path / "tiny"), endpoint=hub.url)
    assert not [path for path in hub.asked if "/resolve/" in path]


def test_a_file_whose_hash_is_not_the_hubs_is_removed_and_named(hub: Hub, tmp_path: Path):
    hub.damaged.add("unet/model.safetensors")
    with pytest.raises(PinError, match=r"unet/model.safetensors has sha256 .*, the hub states .*pins fetch tiny"):
        fetch("tiny", source(tmp_path / "tiny"), endpoint=hub.url)
    assert not (tmp_path / "tiny/unet/model.safetensors").exists()
    with pytest.raises(PinError, match="does not hold maker/tiny"):
        pin_repository("tiny", tmp_path / "tiny", REPO, COMMIT)
    hub.damaged.clear()
    fetch("tiny", source(tmp_path / "tiny"), endpoint=hub.url)


def test_a_licence_is_one_error_with_page_variable_and_command(tmp_path: Path):
    with serving(Hub(dict(FILES), token="hf_secret")) as hub:
        with pytest.raises(PinError) as error:
            fetch("tiny", source(tmp_path / "tiny"), token="hf_wrong", endpoint=hub.url)
        for part in ("huggingface.co/maker/tiny", "HF_TOKEN", "culturebench pins fetch tiny"):
            assert part in str(error.value)
        assert "hf_wrong" not in str(error.value)
        assert fetch("tiny", source(tmp_path / "tiny"), token="hf_secret", endpoint=hub.url).is_dir()


def test_a_missing_repository_commit_and_hub_are_told_apart(hub: Hub, tmp_path: Path):
    with pytest.raises(PinError, match="other/tiny does not exist"):
        fetch("tiny", source(tmp_path, repo="other/tiny"), endpoint=hub.url)
    with pytest.raises(PinError, match=r"no such commit as pins.tiny.commit"):
        fetch("tiny", source(tmp_path, commit="f" * 40), endpoint=hub.url)
    with pytest.raises(PinError, match=r"cannot be downloaded .*look at the network"):
        fetch("tiny", source(tmp_path), endpoint="http://127.0.0.1:9")


@pytest.mark.parametrize("reply", ["<html>Sign in</html>", "[]", "null", '{"siblings": 7}', '{"siblings": [{}]}', "{"])
def test_a_reply_that_is_no_hubs_is_one_error(tmp_path: Path, reply: str):
    headers = {"Content-Type": "application/json"}
    with (
        Server(lambda _, request: request.send(reply.encode(), headers=headers)) as other,
        pytest.raises(PinError, match=r"maker/tiny.*pins fetch tiny"),
    ):
        fetch("tiny", source(tmp_path / "tiny"), endpoint=other.url)


def test_a_folder_of_another_commit_is_refused(hub: Hub, tmp_path: Path):
    fetch("tiny", source(tmp_path / "tiny"), endpoint=hub.url)
    with pytest.raises(PinError, match=r"pins.tiny names maker/tiny at f{40}; run `culturebench pins fetch tiny`"):
        pin_repository("tiny", tmp_path / "tiny", REPO, "f" * 40)


@pytest.mark.parametrize("commit", [None, "main", "0123456", COMMIT.upper(), COMMIT + "0"])
def test_branches_tags_and_short_hashes_are_refused(commit: str | None):
    with pytest.raises(ValidationError, match="give the full 40 hex digits"):
        PinSource(folder="x", repo=REPO, commit=commit)
