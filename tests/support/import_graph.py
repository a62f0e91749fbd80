"""The project's own files as `culturebench.code` reads them, each once."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from culturebench.code.sources import Sources

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("culturebench", "flows", "stages")
SOURCES = Sources(ROOT, PACKAGES)
#: Names of the library for its users, each imported when it is asked for.
FRONT = "culturebench/__init__.py"


@cache
def tree(file: str) -> ast.Module:
    """The parsed file, named relative to the root."""
    return ast.parse((ROOT / file).read_bytes(), file)


def python_files(folder: str) -> list[str]:
    """Every module under `folder`, relative to the root."""
    return sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.py"))


def file_of(module: str) -> str | None:
    """The file of a module of ours, None for others' modules and for names inside a module."""
    return SOURCES.file_of(module)


def imports(file: str) -> frozenset[str]:
    """Our files that stand in an `import` of `file`, with the packages around them."""
    return frozenset(SOURCES.files_of(SOURCES.module(file).imported) - {file})


def closure(file: str) -> set[str]:
    """`file` and all of ours that it reaches, directly or not."""
    return SOURCES.closure(file)


def foreign_imports(files: Iterable[str]) -> set[str]:
    """Top-level names of everything that is not ours and that any of `files` imports."""
    return {name.split(".")[0] for file in files for name in SOURCES.module(file).imported} - set(PACKAGES)
