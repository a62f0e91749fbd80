"""Comments, docstrings and formatting are no code; everything else is, and every Python sees the same."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from culturebench.code import canonical as module
from culturebench.code.canonical import canonical
from import_graph import ROOT, python_files

CODE = '''
"""What it is for."""
from os import path  # a comment


class Grid:
    """One."""

    size: int = 3
    """How large."""

    async def cells(self, *others: "Grid", seed: int = 0, **rest: object) -> list[float]:
        """All."""
        global COUNT
        first, *_ = [f"{self.size!r:>{seed}} of {other}" for other in others if other is not None]
        return [1.5, -0.0, 10**40, len("é\\n" "b") // 2, *rest] if seed else lambda x, /, y=..., *, z: {**x, "a": y}
'''
SAME = {
    "comments": lambda text: text.replace("  # a comment", "").replace("class", "# another\n\n\nclass"),
    "docstrings": lambda text: (
        text.replace("What it is for.", "Anything.").replace('"""One."""', "").replace("All", "No")
    ),
    "texts that nobody takes": lambda text: text.replace("How large", "In cells"),
    "formatting": lambda text: text.replace("(self, ", "(\n        self, ").replace('"é\\n" "b"', "'é\\nb'"),
}
OTHER = {
    "a number": ("= 3", "= 4"),
    "its kind": ("= 3", "= 3.0"),
    "its sign": ("-0.0", "0.0"),
    "a letter": ('"é\\n"', '"e\\n"'),
    "a text in an f-string": (" of ", " in "),
    "a format": (":>{seed}", ":<{seed}"),
    "a conversion": ("!r", "!s"),
    "a name": ("first,", "second,"),
    "an operator": ("is not", "is"),
    "an annotation": ("list[float]", "list[int]"),
    "a default": ("seed: int = 0", "seed: int = 1"),
    "where a parameter stands": ("x, /, y", "x, y"),
    "an import": ("from os import path", "from os import sep"),
    "async": ("async def", "def"),
    "a global": ("global COUNT", "global OTHER"),
}


@pytest.mark.parametrize("change", SAME)
def test_what_is_no_code_changes_nothing(change: str) -> None:
    text = SAME[change](CODE)
    assert text != CODE
    assert canonical(ast.parse(text)) == canonical(ast.parse(CODE))


@pytest.mark.parametrize("change", OTHER)
def test_what_is_code_changes_it(change: str) -> None:
    assert CODE.count(OTHER[change][0]) >= 1
    assert canonical(ast.parse(CODE.replace(*OTHER[change], 1))) != canonical(ast.parse(CODE))


def test_fields_that_a_later_version_adds_and_nobody_uses_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before, tree = canonical(ast.parse(CODE)), ast.parse(CODE)
    for kind in {type(node) for node in ast.walk(tree)}:
        monkeypatch.setattr(kind, "_fields", ("flags", *kind._fields, "later", "type_params"))
    for node in ast.walk(tree):
        node.type_params, node.flags, node.later = [], 0, None  # type: ignore[attr-defined]
    module._fields.cache_clear()
    assert canonical(tree) == before
    monkeypatch.undo()
    module._fields.cache_clear()


def test_the_pieces_in_which_python_3_12_leaves_an_f_string_change_nothing() -> None:
    tree = ast.parse("f'{a} of {b}'")
    (text,) = (node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr))
    first, _, second = text.values
    text.values = [ast.Constant(""), first, *map(ast.Constant, (" o", "", "f ")), second, ast.Constant("")]
    assert canonical(tree) == canonical(ast.parse("f'{a} of {b}'"))


#: Of CODE, under every version; another one makes every stage of every project stale.
GOLDEN = "25f81d3733157a9748c13e5b2b6afa4895f6cb7788c7c67774aff02650bc9274"


def test_this_version_sees_what_all_others_see() -> None:
    assert hashlib.sha256(canonical(ast.parse(CODE)).encode()).hexdigest() == GOLDEN


def other_pythons() -> list[str]:
    """The Pythons of other versions that are here, one each of those that are supported."""
    places = [*os.environ["PATH"].split(os.pathsep), *map(str, (Path.home() / ".pyenv/versions").glob("*/bin"))]
    found: dict[str, str] = {}
    for place in places:
        for minor in range(11, 20):
            if minor != sys.version_info.minor and (path := shutil.which(f"python3.{minor}", path=place)):
                works = subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0
                found |= {f"3.{minor}": path} if works else {}
    return list(found.values())


SCRIPT = """
import ast, hashlib, json, runpy, sys
canonical = runpy.run_path(sys.argv[1])["canonical"]
texts = (open(file, "rb").read() for file in json.load(sys.stdin))
print(json.dumps([hashlib.sha256(canonical(ast.parse(text)).encode()).hexdigest() for text in texts]))
"""


def test_every_file_of_the_project_looks_the_same_to_every_python_that_is_here() -> None:
    files = [
        str(ROOT / file) for folder in ("culturebench", "stages", "flows", "tests") for file in python_files(folder)
    ]
    pythons = [sys.executable, *other_pythons()]
    command = ["-P", "-c", SCRIPT, str(module.__file__)]
    seen = [
        subprocess.run([python, *command], input=json.dumps(files), capture_output=True, text=True, check=True).stdout
        for python in pythons
    ]
    assert len(set(seen)) == 1 and re.search(r"[0-9a-f]{64}", seen[0])
