"""What the text of one Python file says of the others that it reaches."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property

from culturebench.code.canonical import canonical

#: Of a module that only says what it is for.
EMPTY = canonical(ast.parse(""))
LATER = (ast.FunctionDef, ast.AsyncFunctionDef)


class Module:
    """A parsed file, `file` its path relative to the root, with slashes."""

    def __init__(self, file: str, tree: ast.Module) -> None:
        self.file = file
        self.tree = tree

    @cached_property
    def digest(self) -> str:
        """The hash (sha256, hex) of its code; empty where there is none."""
        text = canonical(self.tree)
        return "" if text == EMPTY else hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def is_lazy(self) -> bool:
        """Whether it is a package that imports when a name is asked of it."""
        body = self.tree.body if self.file.endswith("__init__.py") else []
        return any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in body)

    @cached_property
    def imported(self) -> frozenset[str]:
        """Every module that an `import` may mean: `from a import b` gives `a` and `a.b`."""
        return frozenset(self._names(self._nodes))

    @cached_property
    def imported_at_once(self) -> frozenset[str]:
        """Those of them that are imported with the module."""
        return frozenset(self._names(_run(part for part in self.tree.body if not isinstance(part, LATER))))

    @cached_property
    def asked(self) -> frozenset[tuple[str, str]]:
        """Pairs of a module and a name that is taken from it, "" where that may be any."""
        found: set[tuple[str, str]] = set()
        for node in self._nodes:
            if isinstance(node, ast.Import):
                found |= {(alias.name if alias.asname else alias.name.partition(".")[0], "") for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found |= {(self._base(node), alias.name) for alias in node.names}
        return frozenset(found)

    @cached_property
    def texts(self) -> frozenset[str]:
        """The texts in it, those that f-strings are put together of as well."""
        constants = (node.value for node in self._nodes if isinstance(node, ast.Constant))
        return frozenset(value for value in constants if isinstance(value, str))

    @cached_property
    def _nodes(self) -> list[ast.AST]:
        return _run([self.tree])

    def _names(self, nodes: Iterable[ast.AST]) -> Iterator[str]:
        for node in nodes:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node)
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)

    def _base(self, node: ast.ImportFrom) -> str:
        return self.absolute(node.module or "", node.level)

    def absolute(self, name: str, up: int) -> str:
        """The module that the file means by `name` with `up` dots before it."""
        package = self.file.split("/")[:-1]
        parents = package[: len(package) - up + 1] if up else []
        return ".".join([*parents, *([name] if name else [])])


def _run(parts: Iterable[ast.AST]) -> list[ast.AST]:
    """The nodes in them but those that only a type checker reads."""
    found: list[ast.AST] = []
    todo = list(parts)
    while todo:
        node = todo.pop()
        found.append(node)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            todo.extend(node.orelse)
        else:
            todo.extend(ast.iter_child_nodes(node))
    return found
