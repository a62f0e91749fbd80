"""Pins: what is fixed, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from culturebench.artifacts import pins
from culturebench.artifacts._table import ArtifactError
from culturebench.pins import PinError, fingerprint, pin_folder, verified_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "weights"
    (folder / "unet").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "unet/model.safetensors").write_bytes(b"weights")
    return folder


def pinned(folder: Path, path: Path) -> Path:
    pins.save(path, pin_folder("tiny", folder))
    return path


def test_a_pin_holds_size_and_hash_of_every_file_and_nothing_that_changes_with_time(folder: Path, tmp_path: Path):
    (folder / ".cache").mkdir()
    (folder / ".cache/lock").write_text("x")
    first = pinned(folder, tmp_path / "a.json").read_bytes()
    (folder / "config.json").touch()
    assert pinned(folder, tmp_path / "b.json").read_bytes() == first
    assert set(pins.load(tmp_path / "a.json").files) == {"config.json", "unet/model.safetensors"}
    assert pins.load(tmp_path / "a.json").files["config.json"].size == 2


def test_unchanged_weights_are_loaded_from_their_folder(folder: Path, tmp_path: Path):
    assert verified_folder(pinned(folder, tmp_path / "tiny.json")) == folder


def test_a_changed_file_is_named_with_both_hashes_and_the_command(folder: Path, tmp_path: Path):
    path = pinned(folder, tmp_path / "tiny.json")
    (folder / "config.json").write_text("[]")
    with pytest.raises(PinError) as error:
        verified_folder(path)
    assert "config.json changed" in str(error.value)
    assert "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" in str(error.value)  # {}
    assert "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945" in str(error.value)  # []
    assert "dvc repro pin_model@tiny" in str(error.value)


def test_a_missing_file_is_named(folder: Path, tmp_path: Path):
    path = pinned(folder, tmp_path / "tiny.json")
    (folder / "config.json").unlink()
    with pytest.raises(PinError, match=r"config.json is missing"):
        verified_folder(path)


@pytest.mark.parametrize("name", ["model.bin", "model.PT", "unet/x.ckpt", "y.pkl"])
def test_pickles_are_refused(folder: Path, name: str):
    (folder / name).write_bytes(b"x")
    with pytest.raises(PinError, match="pickle format, which runs code"):
        pin_folder("tiny", folder)


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path):
    (tmp_path / "elsewhere").write_text("x")
    (folder / "link.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PinError, match="a link that leads out of"):
        pin_folder("tiny", folder)


def test_a_linked_folder_is_refused(folder: Path, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (folder / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(PinError, match="a link that leads out of"):
        pin_folder("tiny", folder)


def test_an_empty_file_an_empty_folder_and_a_missing_one_are_refused(folder: Path, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(PinError, match="holds no files"):
        pin_folder("tiny", tmp_path / "empty")
    with pytest.raises(PinError, match=r"pins.tiny.folder: there is no folder"):
        pin_folder("tiny", tmp_path / "nowhere")
    (folder / "empty.json").touch()
    with pytest.raises(PinError, match=r"empty.json is empty"):
        pin_folder("tiny", folder)


def test_equal_weights_have_one_fingerprint_wherever_they_lie(folder: Path, tmp_path: Path):
    first = fingerprint(pinned(folder, tmp_path / "a.json"))
    moved = folder.rename(tmp_path / "moved")
    assert fingerprint(pinned(moved, tmp_path / "b.json")) == first
    (moved / "config.json").write_text("[]")
    assert fingerprint(pinned(moved, tmp_path / "c.json")) != first


@pytest.mark.parametrize("content", ["", "[]", '{"name": "x"}', '{"name": "x", "folder": "y", "files": {"a": 1}}'])
def test_a_damaged_pin_names_the_stage_to_run_again(tmp_path: Path, content: str):
    (tmp_path / "tiny.json").write_text(content)
    with pytest.raises(ArtifactError, match="dvc repro -f pin_model"):
        verified_folder(tmp_path / "tiny.json")


@pytest.mark.parametrize(
    ("copied", "stage"),
    [
        *(("systems/sdxl", "bind_pins"), ("judges/vlm", "bind_judge")),
        *(("measures", "bind_measures"), ("features", "bind_features")),
    ],
)
def test_a_copy_of_a_pin_names_the_stage_that_copies_it(tmp_path: Path, copied: str, stage: str):
    path = tmp_path / "models" / copied / "tiny.json"
    with pytest.raises(ArtifactError, match=f"is missing; run `dvc repro {stage}`"):
        verified_folder(path)
    path.parent.mkdir(parents=True)
    path.write_text("[]")
    with pytest.raises(ArtifactError, match=f"is no pin; run `dvc repro -f {stage}`"):
        verified_folder(path)
