"""Which files of this project a Python file reads when it runs, found from its text alone."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("culturebench", "flows", "stages")


@cache
def tree(file: str) -> ast.Module:
    """The parsed file, named relative to the root."""
    return ast.parse((ROOT / file).read_text(encoding="utf-8"), file)


def python_files(folder: str) -> list[str]:
    """Every module under `folder`, relative to the root."""
    return sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.py"))


@cache
def file_of(module: str) -> str | None:
    """The file of a module of ours, None for others' modules and for names inside a module."""
    if module.split(".")[0] not in PACKAGES:
        return None
    base = module.replace(".", "/")
    return next((name for name in (f"{base}.py", f"{base}/__init__.py") if (ROOT / name).is_file()), None)


def imported_names(file: str) -> Iterator[str]:
    """Every module that `file` may import: `from a import b` gives `a` and `a.b`. Imports for types alone count not.

    A text such as f"culturebench.measures.scorers.{key}" gives every module of that package.
    """
    package = Path(file).with_suffix("").as_posix().split("/")[:-1]
    for node in _nodes(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
            yield from _modules_below(str(node.values[0].value))


def _modules_below(prefix: str) -> list[str]:
    """The modules of a package of ours, of a text that ends in a dot behind its name."""
    parts = prefix.split(".")
    if parts[-1] or parts[0] not in PACKAGES or not (folder := ROOT.joinpath(*parts)).is_dir():
        return []
    return [prefix + path.stem for path in sorted(folder.glob("[!_]*.py"))]


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from (found for other in child.orelse for found in ast.walk(other))
            continue
        yield child
        yield from _nodes(child)


@cache
def imports(file: str) -> frozenset[str]:
    """Our files that `file` imports itself, with the packages around them."""
    found = {file_of(name) for module in imported_names(file) for name in _with_parents(module)}
    return frozenset(name for name in found if name and name != file)


def _with_parents(module: str) -> Iterator[str]:
    parts = module.split(".")
    return (".".join(parts[:length]) for length in range(1, len(parts) + 1))


def closure(file: str) -> set[str]:
    """`file` and all of ours that it imports, directly or not."""
    found, todo = set[str](), [file]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(imports(name))
    return found


def foreign_imports(files: Iterable[str]) -> set[str]:
    """Top-level names of everything that is not ours and that any of `files` imports."""
    return {name.split(".")[0] for file in files for name in imported_names(file)} - set(PACKAGES)


def says_something(file: str) -> bool:
    """False for a module of nothing but a docstring, which changes nobody's result."""
    body = tree(file).body
    return not all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)


def data_files(file: str) -> set[str]:
    """Files beside a module, of any depth, that its text names: a template, a lexicon."""
    named = {node.value for node in ast.walk(tree(file)) if isinstance(node, ast.Constant)}
    folder = (ROOT / file).parent
    others = [path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    return {
        path.relative_to(ROOT).as_posix()
        for path in others
        if path.name in named and "weights" not in path.parts  # weights enter through pins
    }


def files_of_stage(stage: str) -> set[str]:
    """Everything of ours that decides what `stages/<stage>.py` computes."""
    modules = {name for name in closure(f"stages/{stage}.py") if says_something(name)}
    return modules | {name for module in modules for name in data_files(module)}
