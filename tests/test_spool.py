"""Bytes that wait on disk come back as they were."""

from __future__ import annotations

from pathlib import Path

from culturebench.spool import Spool


def test_what_was_put_comes_back_in_any_order_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        for number in range(5):
            spool.put(number, bytes([number]) * (number * 1000))
        spool.put("nothing", None)
        assert [spool.get(number) for number in (4, 0, 2)] == [b"\4" * 4000, b"", b"\2" * 2000]
        assert spool.get("nothing") is None and spool.get("never put") is None
        spool.put("late", b"late")
        assert spool.get("late") == b"late" and spool.get(3) == b"\3" * 3000
        assert list(tmp_path.iterdir()) == []
