"""`dvc.lock` as our runs write it: DVC's own bytes, never half of them."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import dvc.dvcfile
from dvc.utils.serialize import dumps_yaml, load_yaml, modify_yaml as theirs

from flows import _lock_file, dvc as ours


class DiskFull(Exception):
    """What a stage may end with."""


LOCK: dict[str, Any] = {
    "schema": "2.0",
    "stages": {
        "judge@atlas_vit-cultural": {
            "cmd": "python -m stages.judge --judge atlas_vit --condition cultural",
            "deps": [{"path": "data/test", "hash": "md5", "md5": "0e1" * 10 + ".dir", "size": 0, "nfiles": 3}],
            "params": {
                "params.yaml": {
                    "judge": {
                        "question": "Which culture, if any, does this picture show? Answer with one letter "
                        "of the options below: nothing else, not even a full stop.",
                        "options": ["no", "yes", "on", "012", "1:30", "0x1f", "1e5", "null", "~", "2026-01-01", ""],
                        "numbers": [1, -3, 1.5, 5e-05, 1e20, float("inf"), True, None],
                        "nobody": None,
                        "nothing": [{}, []],
                        "日本語": 'a: b # c, "e" - f é',
                    }
                }
            },
        }
    },
}


def test_the_lock_file_is_written_as_dvc_would_write_it() -> None:
    assert _lock_file.dumps(LOCK) == dumps_yaml(LOCK)


def test_a_text_of_several_lines_comes_back_as_it_was(tmp_path: Path) -> None:
    lock = tmp_path / "dvc.lock"
    content = {"stages": {"a": {"params": {"x": "first: \n\nit's - \n😀 "}}}}
    lock.write_text(_lock_file.dumps(content), encoding="utf-8")
    assert load_yaml(lock) == content


def test_a_change_of_the_lock_file_is_the_change_that_dvc_makes(tmp_path: Path) -> None:
    written: list[bytes] = []
    for modify, folder in ((theirs, "theirs"), (_lock_file.LockFile().modify_yaml, "ours")):
        lock = tmp_path / folder / "dvc.lock"
        lock.parent.mkdir()
        lock.write_text(dumps_yaml(LOCK), encoding="utf-8")
        with modify(str(lock)) as content:
            content["stages"] |= {"b": {"cmd": "true"}}
            content["stages"]["judge@atlas_vit-cultural"]["deps"][0]["size"] = 7
        written.append(lock.read_bytes())
        assert [path.name for path in lock.parent.iterdir()] == ["dvc.lock"]
    assert written[0] == written[1]


def test_a_change_that_fails_leaves_the_lock_file_as_it_was(tmp_path: Path) -> None:
    lock = tmp_path / "dvc.lock"
    lock.write_text(dumps_yaml(LOCK), encoding="utf-8")
    before = lock.read_bytes()
    with suppress(DiskFull), _lock_file.LockFile().modify_yaml(str(lock)) as content:
        content["stages"].clear()
        raise DiskFull
    assert lock.read_bytes() == before


def test_other_files_keep_their_comments(tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    params.write_text("a: 1  # why it is one\n")
    with _lock_file.LockFile().modify_yaml(str(params)) as content:
        content["b"] = 2
    assert params.read_text() == "a: 1  # why it is one\nb: 2\n"


def test_this_version_of_dvc_writes_its_lock_file_through_the_function_that_is_replaced(tmp_path: Path) -> None:
    for arguments in (["git", "init", "--quiet"], [sys.executable, "-m", "dvc", "init", "--quiet"]):
        subprocess.run(arguments, cwd=tmp_path, check=True)
    (tmp_path / "dvc.yaml").write_text("stages: {a: {cmd: echo 1 > out, outs: [out]}}")
    inode: list[int] = []
    for text in ("1", "2"):
        (tmp_path / "dvc.yaml").write_text(f"stages: {{a: {{cmd: echo {text} > out, outs: [out]}}}}")
        ours.reproduce(root=tmp_path)
        inode.append((tmp_path / "dvc.lock").stat().st_ino)
    assert inode[0] != inode[1], "written in place: DVC did not take our function"
    assert "out" in load_yaml(tmp_path / "dvc.lock")["stages"]["a"]["outs"][0]["path"]
    assert dvc.dvcfile.modify_yaml is theirs, "nothing is replaced in this process"
