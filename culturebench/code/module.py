"""What the text of one Python file says of the others that it reaches."""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from culturebench.code.canonical import canonical

#: Of a module that only says what it is for.
EMPTY = canonical(ast.parse(""))
LATER = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Module:
    """One file; its tree is let go, since what is alive slows down Python's collector."""

    #: The path relative to the root, with slashes.
    file: str
    #: The hash (sha256, hex) of its code; empty where there is none.
    digest: str
    #: Whether it is a package that imports when a name is asked of it.
    is_lazy: bool
    #: Every module that an `import` may mean: `from a import b` gives `a` and `a.b`.
    imported: frozenset[str]
    #: Those of them that are imported with the module.
    imported_at_once: frozenset[str]
    #: Pairs of a module and a name that is taken from it, "" where that may be any.
    asked: frozenset[tuple[str, str]]
    #: The texts in it, those that f-strings are put together of as well.
    texts: frozenset[str]

    @staticmethod
    def read(file: str, text: bytes) -> Module:
        """The module of that text; raises what Python raises when it is none."""
        tree = ast.parse(text, file)
        code = canonical(tree)
        lazy = file.endswith("__init__.py") and any(
            isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body
        )
        nodes = _run([tree])
        at_once = _run([part for part in tree.body if not isinstance(part, LATER)]) if lazy else nodes
        constants = (node.value for node in nodes if isinstance(node, ast.Constant))
        return Module(
            file=file,
            digest="" if code == EMPTY else hashlib.sha256(code.encode()).hexdigest(),
            is_lazy=lazy,
            imported=frozenset(_names(nodes, file)),
            imported_at_once=frozenset(_names(at_once, file)),
            asked=frozenset(_asked(nodes, file)),
            texts=frozenset(value for value in constants if isinstance(value, str)),
        )

    def absolute(self, name: str, up: int) -> str:
        """The module that the file means by `name` with `up` dots before it."""
        return _absolute(name, up, self.file)


def _names(nodes: Iterable[ast.AST], file: str) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node.module or "", node.level, file)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _asked(nodes: Sequence[ast.AST], file: str) -> Iterator[tuple[str, str]]:
    bound: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            tops = ((alias.name.partition(".")[0], alias) for alias in node.names)
            bound |= {alias.asname or top: alias.name if alias.asname else top for top, alias in tops}
        elif isinstance(node, ast.ImportFrom):
            yield from ((_absolute(node.module or "", node.level, file), alias.name) for alias in node.names)
    used = Counter(node.id for node in nodes if isinstance(node, ast.Name) and node.id in bound)
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in bound:
            yield bound[node.value.id], node.attr
            used[node.value.id] -= 1
    yield from ((bound[name], "") for name, left in used.items() if left)  # it is handed on as a whole


def _absolute(name: str, up: int, file: str) -> str:
    package = file.split("/")[:-1]
    parents = package[: len(package) - up + 1] if up else []
    return ".".join([*parents, *([name] if name else [])])


def _run(parts: Sequence[ast.AST]) -> list[ast.AST]:
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
