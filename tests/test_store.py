"""The store of cached results."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from culturebench.store import Store, key_of, pack, unpack

KEY = key_of({"prompt": "花瓶", "seed": 1})


def entry(folder: Path) -> Path:
    return next(path for path in folder.rglob("*") if path.is_file())


def test_what_was_put_is_got_and_nothing_else(tmp_path: Path):
    store = Store(str(tmp_path))
    assert store.get(KEY) is None
    store.put(KEY, b"pictures")
    assert store.get(KEY) == b"pictures"
    assert Store(str(tmp_path)).get(key_of({"prompt": "花瓶", "seed": 2})) is None


def test_a_key_does_not_depend_on_the_order_of_what_determines_it():
    assert key_of({"a": 1, "b": [2, 3]}) == key_of({"b": [2, 3], "a": 1})
    assert key_of({"a": 1, "b": [2, 3]}) != key_of({"a": 1, "b": [3, 2]})


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_a_truncated_or_changed_entry_counts_as_absent(tmp_path: Path, damage: bytes | None):
    store = Store(str(tmp_path))
    store.put(KEY, b"pictures")
    path = entry(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"pict", b"PICT") if damage is None else damage)
    assert store.get(KEY) is None
    store.put(KEY, b"pictures")
    assert store.get(KEY) == b"pictures"


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store = Store(str(tmp_path))

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(store._files, "mv", full)
    with pytest.raises(OSError, match="no space"):
        store.put(KEY, b"pictures")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def _write(folder: str) -> None:
    store = Store(folder)
    for number in range(50):
        store.put(key_of({"n": number % 5}), bytes([number % 5]) * 100_000)


def test_two_writers_of_the_same_entries_leave_them_whole(tmp_path: Path):
    writers = [multiprocessing.get_context("spawn").Process(target=_write, args=(str(tmp_path),)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert all(Store(str(tmp_path)).get(key_of({"n": n})) == bytes([n]) * 100_000 for n in range(5))
    assert not list(tmp_path.rglob("*.tmp"))


def test_packed_parts_come_out_as_they_went_in():
    parts = [b"", b"a", bytes(1000)]
    assert unpack(pack(parts)) == parts
    assert unpack(pack([])) == []
