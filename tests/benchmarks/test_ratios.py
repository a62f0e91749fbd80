"""The table of `python -m benchmarks`: every benchmark stands on its page, and ratios are of rounds, not of medians."""

from __future__ import annotations

import ast
import json
import os
import platform
from dataclasses import asdict
from pathlib import Path

from benchmarks import __main__ as command
from benchmarks._ratios import HEAD, Row, in_turns

FOLDER = Path(command.__file__).parent


def test_every_benchmark_is_in_the_table_or_linked_from_it() -> None:
    names = {path.stem for path in FOLDER.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    names = {name for name in names if not name.startswith("_")}
    assert names == {*command.COMPARED, *command.ELSEWHERE}


def test_what_is_in_the_table_has_rows() -> None:
    for name in command.COMPARED:
        tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
        assert "rows" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, name


def test_a_ratio_is_the_median_over_rounds() -> None:
    """A round in which the machine was ten times slower for both changes nothing."""
    row = Row("work", "peer", ours=[1.0, 10.0, 1.0], theirs=[2.0, 20.0, 3.0])
    assert row.ratios == [2.0, 2.0, 3.0]
    assert row.cells[HEAD.index("theirs / ours")] == "2 [2, 3]"


def test_ways_take_turns_and_none_always_comes_first() -> None:
    order: list[str] = []
    ticks = iter(range(100))
    ways = {name: lambda name=name: order.append(name) for name in ("ours", "theirs")}
    seconds = in_turns(ways, 3, lambda: float(next(ticks)))
    assert order == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]
    assert seconds == {"ours": [1.0, 1.0, 1.0], "theirs": [1.0, 1.0, 1.0]}


def test_kept_rows_come_back_only_under_their_key(tmp_path: Path) -> None:
    row = Row("work", "peer", [1.0], [2.0], note="once")
    path = tmp_path / "sae.json"
    path.write_text(json.dumps({"key": "of another machine", "rows": [asdict(row)]}))
    assert command.kept(path, "of this machine") == []
    assert command.kept(path, "of another machine") == [row] == command.kept(path, None)


def test_the_page_names_the_machine_and_no_path() -> None:
    page = command.page([[Row("work", "peer", [1.0], [2.0])]], command.machine())
    assert f"cores {os.cpu_count()}" in page and "torch" in page
    assert platform.node() not in page and str(FOLDER.parent) not in page
