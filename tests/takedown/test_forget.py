"""A takedown finds every copy, records why, and never harms anything else."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from culturebench.annotation.removed import read_removed
from culturebench.errors import CultureBenchError
from culturebench.sources.snapshot import Snapshot, file_key
from culturebench.store import Store
from culturebench.takedown.forget import delete_cached, record, search, shown_in_study
from culturebench.takedown.holders import files_with
from small_study import write_study

PICTURE = os.urandom(5000)
OTHER = os.urandom(5000)
SHA256 = hashlib.sha256(PICTURE).hexdigest()


def table(path: Path, *pictures: bytes | None, nested: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [{"bytes": picture, "path": None} for picture in pictures] if nested else list(pictures)
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())]) if nested else pa.binary()
    content = pa.table({"name": ["x"] * len(cells), "image": pa.array(cells, kind)})
    pq.write_table(content, path, compression="zstd", row_group_size=1)


@pytest.mark.parametrize("nested", [False, True])
def test_a_picture_is_found_in_any_row_group_of_a_table(tmp_path: Path, nested: bool) -> None:
    table(tmp_path / "with.parquet", OTHER, None, PICTURE, nested=nested)
    table(tmp_path / "without.parquet", OTHER, None, nested=nested)
    assert files_with([SHA256], [tmp_path]) == [tmp_path / "with.parquet"]


def test_it_is_found_as_a_file_in_a_package_and_in_a_page_wherever_they_lie(tmp_path: Path) -> None:
    table(tmp_path / "z/table.parquet", PICTURE)
    (tmp_path / "a.jpg").write_bytes(PICTURE)
    (tmp_path / "b.pack").write_bytes(b"head" + PICTURE + OTHER)
    (tmp_path / "c.html").write_bytes(b"<img src='data:image/png;base64," + base64.b64encode(PICTURE) + b"'>")
    (tmp_path / "d.jpg").write_bytes(OTHER)
    (tmp_path / "e.txt").write_bytes(b"")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1" + PICTURE)
    found = [path.name for path in files_with([SHA256], [tmp_path])]
    assert found == ["a.jpg", "b.pack", "broken.parquet", "c.html", "table.parquet"]


def test_links_and_what_is_to_be_skipped_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.jpg").write_bytes(PICTURE)
    (tmp_path / "project/.git").mkdir(parents=True)
    (tmp_path / "project/.git/blob").write_bytes(PICTURE)
    (tmp_path / "project/link").symlink_to(tmp_path / "elsewhere")
    assert files_with([SHA256], [tmp_path / "project"], [tmp_path / "project/.git"]) == []


def test_only_what_stages_and_dvc_made_counts_as_made(tmp_path: Path) -> None:
    root, cache = tmp_path / "project", tmp_path / "project/.dvc/cache"
    table(root / "data/train/jp.parquet", PICTURE)
    table(root / "release/data/jp/train.parquet", PICTURE, nested=True)
    (root / "my-pictures").mkdir()
    (root / "my-pictures/a.jpg").write_bytes(PICTURE)
    table(cache / "files/md5/ab/cdef", PICTURE)
    for folder in (cache, tmp_path / "far/cache"):
        table(folder / "files/md5/ab/cdef", PICTURE)
        held = search(root, folder, [SHA256])
        assert held.cached == [folder / "files/md5/ab/cdef"]
        assert held.made == [root / "data/train/jp.parquet"]
        others = {root / "my-pictures/a.jpg", root / "release/data/jp/train.parquet"}
        assert set(held.others) >= others


def test_the_reason_is_kept_once_and_other_lines_stay(tmp_path: Path) -> None:
    path = tmp_path / "annotations/removed.jsonl"
    path.parent.mkdir()
    path.write_text('{"sha256": "' + "b" * 64 + '", "reason": "asked"}')  # without an end of line
    assert record(tmp_path, SHA256, "asked by its author")
    assert not record(tmp_path, SHA256, "another reason")
    assert read_removed(path) == {"b" * 64: "asked", SHA256: "asked by its author"}


@pytest.mark.parametrize(("key", "reason"), [("abc", "asked"), ("a" * 64, "  "), ("a" * 64 + "\n", "asked")])
def test_what_cannot_be_a_takedown_is_refused_and_nothing_is_written(tmp_path: Path, key: str, reason: str) -> None:
    with pytest.raises(CultureBenchError):
        record(tmp_path, key, reason)
    assert not list(tmp_path.iterdir())


def test_what_collection_kept_leaves_the_store_and_nothing_else_does(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    snapshot = Snapshot(store, "label")
    snapshot.cache_file("https://example.org/a.jpg", PICTURE)
    snapshot.cache_file("https://example.org/b.jpg", OTHER)
    killed = next(tmp_path.glob(f"*/{file_key(SHA256)}")).with_suffix(".0123.tmp")
    killed.write_bytes(PICTURE[:4000])
    assert delete_cached(store, [SHA256]) == 1
    assert delete_cached(store, [SHA256]) == 0
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert PICTURE[:100] not in kept and OTHER in kept
    assert snapshot.data(SHA256) is None
    assert json.dumps(SHA256).strip('"').encode() in kept  # that it was there, and where from, stays known


def test_tasks_of_the_study_that_show_a_copy_are_found_by_its_id(tmp_path: Path) -> None:
    assert shown_in_study(tmp_path, ["a"]) == {}
    planned = write_study(tmp_path / "study")
    gold = [row for row in planned.tasks if "real-jp-0" in row["real"]]
    assert gold and shown_in_study(tmp_path / "study", ["real-jp-0", "other"]) == {
        row["task_id"]: row["picture"] for row in gold
    }
