"""A region may have more pictures than the memory holds: their bytes pass through in parts."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from culturebench.artifacts import _table, candidates
from data_project import write_data_project
from stages import collect

COUNT, SIZE, PART = 80, 200_000, 1_000_000  # pictures, bytes of one, bytes of a part


def test_collect_holds_one_part_of_the_pictures_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_data_project(
        tmp_path, ["jp"], [{"kind": "folder", "path": "mine", "licence": "CC0-1.0", "max_bytes": 300_000}]
    )
    folder = tmp_path / "mine/jp"
    folder.mkdir(parents=True)
    dice = np.random.default_rng(0)
    written = [dice.bytes(SIZE) for _ in range(COUNT)]
    for number, data in enumerate(written):
        (folder / f"{number:02}.jpg").write_bytes(data)
    whole = set(written)
    del written
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_table, "MOST_BYTES", PART)
    collect.STAGE.execute(region="jp")  # imports are no pictures
    tracemalloc.start()
    collect.STAGE.execute(region="jp")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < COUNT * SIZE / 3
    path = Path(candidates.PATH.format(region="jp"))
    assert {row["image"] for row in candidates.TABLE.load(path)} == whole
    assert [row["picture_id"] for row in candidates.TABLE.stream(path)] == sorted(
        row["sha256"] for row in candidates.TABLE.load(path)
    )
