"""What a file reaches is found from texts alone: imports, names of modules in tables, files beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from culturebench.code.digests import digests
from culturebench.code.sources import CodeError, Sources

FILES = {
    "stages/__init__.py": "",
    "stages/draw.py": "from culturebench.pens import ink\n",
    "stages/write.py": "from culturebench.words import spell\nfrom culturebench.params.write import Write\n",
    "culturebench/__init__.py": '"""The library."""\n',
    "culturebench/pens/__init__.py": "",
    "culturebench/pens/ink.py": "DEPTH = 3  # of black\n",
    "culturebench/pens/chalk.py": "DUST = 1\n",
    "culturebench/params/__init__.py": "",
    "culturebench/params/write.py": "class Write: ...\n",
    "culturebench/words.py": "from pathlib import Path\nspell = lambda: Path(__file__).with_name('list.txt')\n",
    "culturebench/list.txt": "a\n",
    "culturebench/other.txt": "b\n",
    "my_models.py": "import my_numbers\n",
    "my_numbers.py": "ONE = 1\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    (root / name).write_text(text)


def reached(root: Path, file: str = "stages/draw.py") -> set[str]:
    """What it reaches without the packages around it."""
    return {name for name in Sources(root).closure(file) if not name.endswith("__init__.py")} - {file}


@pytest.mark.parametrize(
    "text",
    [
        "import culturebench.pens.chalk",
        "from culturebench.pens import chalk",
        "def later():\n    from culturebench.pens.chalk import DUST",
        "from culturebench.pens import *\nTABLE = {'chalk': 'culturebench.pens.chalk'}",
        "TABLE = {'chalk': 'culturebench.pens.chalk:DUST'}",
        "TABLE = {'chalk': 'culturebench.pens.chalk.DUST'}",
        "import importlib\ndef load():\n    return importlib.import_module('culturebench.pens.chalk')",
    ],
)
def test_a_module_that_is_imported_or_named_is_reached(root: Path, text: str) -> None:
    write(root, "stages/draw.py", text)
    assert reached(root) == {"culturebench/pens/chalk.py"}


@pytest.mark.parametrize("name", ["f'culturebench.pens.{name}'", "'culturebench.pens.' + name"])
def test_a_name_that_is_put_together_reaches_all_of_the_package(root: Path, name: str) -> None:
    write(root, "stages/draw.py", f"import importlib\ndef load(name):\n    return importlib.import_module({name})")
    assert reached(root) == {"culturebench/pens/chalk.py", "culturebench/pens/ink.py"}


@pytest.mark.parametrize("text", ["from . import chalk", "from .chalk import DUST", "TABLE = ['.chalk']"])
def test_relative_names_count_as_well(root: Path, text: str) -> None:
    write(root, "culturebench/pens/ink.py", text)
    assert reached(root) == {"culturebench/pens/chalk.py", "culturebench/pens/ink.py"}


@pytest.mark.parametrize(
    "text",
    [
        "# from culturebench.pens import chalk",
        "TEXT = 'see culturebench.pens.chalk'",
        "TEXT = 'chalk'",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from culturebench.pens.chalk import DUST",
    ],
)
def test_what_is_only_spoken_of_or_imported_for_types_is_not_reached(root: Path, text: str) -> None:
    write(root, "stages/draw.py", text)
    assert reached(root) == set()


LAZY = """
import importlib
from typing import TYPE_CHECKING

NAMES = {"ink": "culturebench.pens.ink", "dust": "culturebench.pens.chalk"}

def __getattr__(name):
    from culturebench import words
    return getattr(importlib.import_module(NAMES[name]), name)

if TYPE_CHECKING:
    from culturebench.params.write import Write
"""


def test_what_a_package_imports_when_asked_joins_those_who_ask_alone(root: Path) -> None:
    write(root, "culturebench/__init__.py", LAZY)
    assert reached(root) == {"culturebench/pens/ink.py"}
    write(root, "stages/draw.py", "import culturebench.pens.ink\nDEPTH = culturebench.pens.ink.DEPTH")
    assert reached(root) == {"culturebench/pens/ink.py"}
    whole, one = "import culturebench\nvars(culturebench)", "import culturebench as ours\nours.dust"
    for text in ("from culturebench import dust", "from culturebench import *", whole, one):
        write(root, "stages/draw.py", text)
        everything = ("culturebench/pens/ink.py", "culturebench/pens/chalk.py", "culturebench/words.py")
        assert reached(root) == set(everything), text


def test_the_table_of_such_a_package_is_code_of_those_who_ask_alone(root: Path) -> None:
    write(root, "stages/write.py", "from culturebench import dust")
    write(root, "culturebench/__init__.py", LAZY)
    before = digests(root, ["draw", "write"], {})
    write(root, "culturebench/__init__.py", LAZY.replace("pens.chalk", "pens.chalk.DUST"))
    after = digests(root, ["draw", "write"], {})
    assert {name for name in after if after[name] != before[name]} == {"write"}


def test_what_it_imports_at_once_joins_everybody(root: Path) -> None:
    write(root, "culturebench/__init__.py", f"from culturebench import words\n{LAZY}")
    assert reached(root) == {"culturebench/pens/ink.py", "culturebench/words.py"}


def test_of_an_installed_package_others_libraries_count_not(root: Path) -> None:
    write(root, "stages/draw.py", "import my_models, culturebench.words")
    assert Sources(root, ("culturebench",)).closure("stages/draw.py") == {
        *("stages/draw.py", "culturebench/__init__.py", "culturebench/words.py")
    }


def test_a_file_that_is_no_python_is_named(root: Path) -> None:
    write(root, "culturebench/pens/ink.py", "DEPTH = = 3")
    with pytest.raises(CodeError, match=r"culturebench/pens/ink\.py cannot be read.*line 1"):
        reached(root)


USE = {"write": {"models": [{"name": "big", "use": "my_models:embed", "version": "1"}]}, "regions": ["jp"]}
#: An edit, and the stages whose code it changes.
EDITS: dict[str, tuple[Callable[[Path], None], set[str]]] = {
    "a comment": (lambda root: write(root, "culturebench/pens/ink.py", "# black\nDEPTH = 3\n"), set()),
    "a constant of one": (lambda root: write(root, "culturebench/pens/ink.py", "DEPTH = 4\n"), {"draw"}),
    "what nobody imports": (lambda root: write(root, "culturebench/pens/chalk.py", "DUST = 2\n"), set()),
    "a package's docstring": (lambda root: write(root, "culturebench/__init__.py", '"""Ours."""\n'), set()),
    "a package of all": (lambda root: write(root, "culturebench/__init__.py", "ALL = 1\n"), {"draw", "write"}),
    "names that a package hands on when asked": (lambda root: write(root, "culturebench/__init__.py", LAZY), set()),
    "a list that is read": (lambda root: write(root, "culturebench/list.txt", "b\n"), {"write"}),
    "a list that nobody reads": (lambda root: write(root, "culturebench/other.txt", "c\n"), set()),
    "a function that params name": (lambda root: write(root, "my_models.py", "import my_numbers, json\n"), {"write"}),
    "what that one imports": (lambda root: write(root, "my_numbers.py", "ONE = 2\n"), {"write"}),
}


@pytest.mark.parametrize("edit", EDITS)
def test_the_digests_that_change_are_those_of_the_stages_that_run_the_code(root: Path, edit: str) -> None:
    before = digests(root, ["draw", "write"], USE)
    change, stages = EDITS[edit]
    change(root)
    after = digests(root, ["draw", "write"], USE)
    assert {name for name in after if after[name] != before[name]} == stages


def test_a_function_that_no_section_names_any_more_leaves_the_code(root: Path) -> None:
    assert digests(root, ["draw"], USE) == digests(root, ["draw"], {})
    assert digests(root, ["write"], USE) != digests(root, ["write"], {})


def test_a_folder_that_is_named_counts_with_all_in_it_but_weights_do_not(root: Path) -> None:
    for name in ("pages/a.html", "pages/deep/b.css", "weights/config.json"):
        (root / "culturebench/pens" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "culturebench/pens" / name).touch()
    write(root, "culturebench/pens/ink.py", "FOLDERS = ('pages', 'weights')")
    assert Sources(root).data_files("culturebench/pens/ink.py") == {
        *("culturebench/pens/pages/a.html", "culturebench/pens/pages/deep/b.css")
    }
