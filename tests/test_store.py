"""The store of cached results."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from culturebench.store import Store, StoreError, key_of, pack, unpack, without_secrets

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


def test_the_damaged_among_all_entries_are_dropped_on_demand(tmp_path: Path):
    assert Store(str(tmp_path / "not yet")).drop_damaged() == (0, [])
    store = Store(str(tmp_path))
    keys = [key_of({"n": number}) for number in range(3)]
    for key in keys:
        store.put(key, b"pictures")
    (tmp_path / "notes.txt").write_text("somebody's own")
    path = tmp_path / keys[1][:2] / keys[1]
    path.write_bytes(path.read_bytes()[:-1])
    assert store.drop_damaged() == (3, [keys[1]])
    assert store.drop_damaged() == (2, [])
    assert not path.exists() and (tmp_path / "notes.txt").exists()


def test_a_lock_lies_beside_local_entries_and_for_a_bucket_in_the_user_s_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert Store(str(tmp_path / "store")).lock_file(KEY) == tmp_path / "store/locks" / KEY
    place = Store("memory://bucket/store").lock_file(KEY)
    assert place.is_relative_to(tmp_path / "cache") and place.parent.is_dir()


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store = Store(str(tmp_path))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store._files, "mv", full)
    with pytest.raises(StoreError, match=r"cannot be written.*No space"):
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


def _delete(folder: str) -> None:
    store = Store(folder)
    for number in range(400):
        store.delete(key_of({"n": number % 5}))


def test_a_delete_beside_a_writer_breaks_neither(tmp_path: Path):
    spawn = multiprocessing.get_context("spawn")
    others = [spawn.Process(target=work, args=(str(tmp_path),)) for work in (_write, _delete, _delete)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert [other.exitcode for other in others] == [0, 0, 0]
    assert not list(tmp_path.rglob("*.tmp"))


def test_what_is_put_is_kept_even_when_a_delete_takes_it_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store, other = Store(str(tmp_path)), Store(str(tmp_path))
    move, taken = store._files.mv, []

    def move_after_a_delete(source: str, target: str) -> None:
        if not taken:
            taken.append(other.delete(KEY))
        move(source, target)

    monkeypatch.setattr(store._files, "mv", move_after_a_delete)
    store.put(KEY, b"pictures")
    assert taken == [True]
    assert store.get(KEY) == b"pictures"


def test_a_new_store_is_its_owners_alone_and_a_teams_rights_stay(tmp_path: Path):
    Store(str(tmp_path / "new/store")).put(KEY, b"pictures")
    assert (tmp_path / "new/store").stat().st_mode & 0o777 == 0o700
    (tmp_path / "teams").mkdir()
    (tmp_path / "teams").chmod(0o2770)
    Store(str(tmp_path / "teams")).put(KEY, b"pictures")
    assert (tmp_path / "teams").stat().st_mode & 0o7777 == 0o2770


def test_an_older_store_that_everybody_can_read_is_closed_to_them_and_it_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    tmp_path.chmod(0o755)
    for _ in range(2):
        Store(str(tmp_path)).put(KEY, b"pictures")
    assert tmp_path.stat().st_mode & 0o777 == 0o750
    assert capsys.readouterr().err.count("was open to every user") == 1


class NoKeys(Exception):
    """As botocore's NoCredentialsError: no OSError."""


def test_what_a_buckets_client_raises_is_one_message_without_its_words(monkeypatch: pytest.MonkeyPatch):
    store = Store("memory://bucket")

    def refuse(*_: object, **__: object) -> None:
        raise NoKeys("AKIA:s3cret")

    for name in ("cat_file", "makedirs", "glob", "exists"):
        monkeypatch.setattr(store._files, name, refuse)
    for use in (lambda: store.put(KEY, b"p"), lambda: store.get(KEY), lambda: store.delete(KEY), store.drop_damaged):
        with pytest.raises(StoreError, match=r"memory://bucket cannot be (written|read) \(NoKeys\)") as found:
            use()
        assert "s3cret" not in str(found.value)
    with pytest.raises(StoreError, match="CULTUREBENCH_STORE"):
        Store("nonsense://me:s3cret@bucket")


def test_a_store_that_may_only_be_read_gives_what_it_has_and_says_that_it_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    store = Store(str(tmp_path))
    store.put(KEY, b"pictures")

    def read_only(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(store._files, "pipe_file", read_only)
    monkeypatch.setattr(store._files, "rm_file", read_only)
    assert store.get(KEY) == b"pictures"
    for use in (lambda: store.put(KEY, b"other"), lambda: store.delete(KEY)):
        with pytest.raises(StoreError, match=r"cannot be written \(Read-only file system\)"):
            use()


def test_a_store_that_cannot_be_used_is_one_message(tmp_path: Path):
    (tmp_path / "file").write_text("no folder")
    store = Store(str(tmp_path / "file"))
    for use in (lambda: store.put(KEY, b"pictures"), lambda: store.get(KEY)):
        with pytest.raises(StoreError, match=r"file cannot be (written|read) \(.*\); .*CULTUREBENCH_STORE"):
            use()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://AKIA:s3cret@bucket/a/b", "s3://***@bucket/a/b"),
        ("https://host/a?sig=s3cret#s3cret", "https://host/a"),
        ("s3://bucket/a@b", "s3://bucket/a@b"),
        ("abfs://box@account.example/a", "abfs://***@account.example/a"),
        ("/a/folder@home?", "/a/folder@home?"),
    ],
)
def test_a_stores_url_is_shown_without_what_opens_it(url: str, shown: str):
    assert without_secrets(url) == shown


def test_packed_parts_come_out_as_they_went_in():
    parts = [b"", b"a", bytes(1000)]
    assert unpack(pack(parts)) == parts
    assert unpack(pack([])) == []
