"""What each slow test costs and guards: `python -m benchmarks.tests` lists them, the dearest first.

The seconds are those of the last run of each test, which pytest's cache keeps; the first test that asks for a shared
fixture bears what it takes to make it. The variants of one function are one line.
"""

from __future__ import annotations

import argparse
import ast
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

ROOT = Path(__file__).resolve().parents[1]
#: Where tests/conftest.py has pytest keep the seconds: node id -> seconds of set-up, test and tear-down.
KEPT = ".pytest_cache/v/culturebench/seconds"


@dataclass(frozen=True)
class Slow:
    """One slow test function: `seconds` are those of all its variants, None where none was ever run here."""

    place: str
    guards: str
    variants: int
    seconds: float | None


def slow_tests(root: Path) -> list[Slow]:
    """Every test below `root`/tests that is marked slow, the dearest first and those never run before all others."""
    path = root / KEPT
    kept: dict[str, float] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    took: defaultdict[str, list[float]] = defaultdict(list)
    for name, seconds in kept.items():
        took[name.partition("[")[0]].append(seconds)
    found = [
        Slow(place, guards, len(took[place]), sum(took[place]) if took[place] else None)
        for file in sorted((root / "tests").rglob("test_*.py"))
        for place, guards in _marked(file, file.relative_to(root).as_posix())
    ]
    return sorted(found, key=lambda test: float("-inf") if test.seconds is None else -test.seconds)


def _marked(file: Path, name: str) -> Iterator[tuple[str, str]]:
    """Node id and claim of each slow test function of a file: its docstring's first line, else its name as words."""
    module = ast.parse(file.read_text(encoding="utf-8"))
    module_marks = [ast.unparse(node.value) for node in module.body if _sets_marks(node)]
    functions = (node for node in module.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    for test in (node for node in functions if node.name.startswith("test_")):
        if any(".slow" in mark for mark in (*module_marks, *map(ast.unparse, test.decorator_list))):
            claim = test.name.removeprefix("test_").replace("_", " ")
            said = ast.get_docstring(test)
            yield f"{name}::{test.name}", f"{claim}: {said.splitlines()[0]}" if said else claim


def _sets_marks(node: ast.stmt) -> TypeGuard[ast.Assign]:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"


def _line(test: Slow) -> str:
    took = "?" if test.seconds is None else f"{test.seconds:.1f}"
    several = f" ({test.variants} variants)" if test.variants > 1 else ""
    return f"{took:>7}  {test.place.partition('::')[0].removeprefix('tests/')}: {test.guards}{several}"


def main() -> None:
    """Print the list and its sum."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tests", description=__doc__)
    parser.add_argument("--project", type=Path, default=ROOT, help="whose tests are listed")
    found = slow_tests(parser.parse_args().project)
    print("seconds  test: what it guards")
    print("\n".join(map(_line, found)))
    measured = [test.seconds for test in found if test.seconds is not None]
    print(f"{sum(measured):7.1f}  in {len(measured)} of {len(found)} slow tests, one after another")
    if len(measured) < len(found):
        print("A question mark: never run here. `make test` runs them all.")


if __name__ == "__main__":
    main()
