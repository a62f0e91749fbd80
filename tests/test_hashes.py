"""Hashes of large files: remembered while nobody touches the file, and never believed against a pin."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from culturebench import hashes, stage
from culturebench.pins import PinError, pin_folder, verified

SIZE = hashes.LEAST + 1000


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with large files that were left alone for long enough."""
    folder = tmp_path_factory.mktemp("weights")
    for name in ("one", "two", "three", "four", "five"):
        (folder / name).mkdir()
        (folder / name / "model.safetensors").write_bytes(b"w" * SIZE)
    time.sleep(hashes.SETTLED + 0.1)
    return folder


@pytest.fixture(autouse=True)
def memory(tmp_path: Path) -> Generator[Path]:
    hashes.remember_in(tmp_path / "hashes")
    yield tmp_path / "hashes"
    hashes.remember_in(None)


def bytes_read(work: Callable[[], object]) -> int:
    """What the process read from files while `work` ran, as the kernel counts it."""

    def count() -> int:
        return int(Path("/proc/self/io").read_text().split()[1])

    before = count()
    work()
    return count() - before


def entry(memory: Path) -> Path:
    (found,) = memory.iterdir()
    return found


def test_a_file_that_a_pin_was_made_of_is_not_read_again(settled: Path, memory: Path) -> None:
    folder = settled / "one"
    pin = pin_folder("tiny", folder)
    assert bytes_read(lambda: verified(pin)) < SIZE / 10
    hashes.remember_in(None)
    assert bytes_read(lambda: verified(pin)) >= SIZE, "without a memory it is"


def test_a_file_that_was_touched_or_replaced_is_read_again(settled: Path, memory: Path) -> None:
    folder, file = settled / "two", settled / "two/model.safetensors"
    pin = pin_folder("tiny", folder)
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    assert hashes.remembered(file) is not None
    os.utime(file)
    assert hashes.remembered(file) is None
    assert bytes_read(lambda: verified(pin)) >= SIZE
    beside = folder / "other"
    beside.write_bytes(b"v" * SIZE)
    beside.replace(file)
    os.utime(file, ns=times)  # the same size and time of the last change
    with pytest.raises(PinError, match="changed"):
        verified(pin)
    with file.open("r+b") as opened:
        opened.write(b"x")
    os.utime(file, ns=times)  # in the same inode as well
    with pytest.raises(PinError, match="changed"):
        verified(pin)


def test_a_file_that_was_just_written_is_not_remembered(tmp_path: Path, memory: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/model.safetensors").write_bytes(b"w" * SIZE)
    pin_folder("tiny", tmp_path / "weights")
    assert not memory.exists()


def test_what_is_remembered_is_of_this_user_alone(settled: Path, memory: Path) -> None:
    pin = pin_folder("tiny", settled / "three")
    assert memory.stat().st_mode & 0o777 == 0o700 and entry(memory).stat().st_mode & 0o777 == 0o600
    entry(memory).chmod(0o640)
    assert bytes_read(lambda: verified(pin)) >= SIZE, "another could have written what others may read"
    assert entry(memory).stat().st_mode & 0o777 == 0o600
    own = entry(memory)
    elsewhere = own.rename(memory.parent / "elsewhere")
    own.symlink_to(elsewhere)
    assert bytes_read(lambda: verified(pin)) >= SIZE, "a link may lead to what another wrote"


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", "{}", '{"sha256": 1}', "\x00\x00"])
def test_a_damaged_memory_means_that_the_file_is_hashed_and_remembered_anew(
    damage: str, settled: Path, memory: Path
) -> None:
    pin = pin_folder("tiny", settled / "four")
    whole = entry(memory).read_text()
    entry(memory).write_text(damage)
    verified(pin)
    assert entry(memory).read_text() == whole


def test_a_memory_that_contradicts_a_pin_is_not_believed(settled: Path, memory: Path) -> None:
    pin = pin_folder("tiny", settled / "five")
    kept = json.loads(entry(memory).read_text())
    entry(memory).write_text(json.dumps({**kept, "sha256": "0" * 64}))
    verified(pin)
    assert json.loads(entry(memory).read_text()) == kept


def test_a_memory_that_cannot_be_written_is_done_without(settled: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    hashes.remember_in(tmp_path / "file")
    verified(pin_folder("tiny", settled / "five"))
    assert hashes.remembered(settled / "five/model.safetensors") is None


def test_stages_remember_outside_of_the_project_and_not_in_ci(
    settled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = settled / "one/model.safetensors"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CI", "true")
    stage._remember_hashes()
    hashes.hashed(file)
    assert hashes.remembered(file) is None and not (tmp_path / "cache").exists()
    monkeypatch.delenv("CI")
    stage._remember_hashes()
    found = hashes.hashed(file)
    assert hashes.remembered(file) == found and any((tmp_path / "cache").rglob("*"))
