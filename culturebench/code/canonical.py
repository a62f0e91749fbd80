"""Code without what changes nothing: comments, docstrings and formatting, the same under every version of Python.

`ast.dump` gives another text under each version: they add fields, and print others when these are empty.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any

#: Fields that say nothing new: where a name stands decides whether it is read or written; the others are comments.
SILENT = frozenset({"ctx", "kind", "type_comment", "type_ignores"})

Put = Callable[[str], None]


def canonical(tree: ast.AST) -> str:
    """The nodes of a parsed module as one line of ASCII."""
    parts: list[str] = []
    _put_node(tree, parts.append)
    return "".join(parts)


def _put_node(node: ast.AST, put: Put) -> None:
    put(f"{type(node).__name__}(")
    if isinstance(node, ast.Constant):
        put(ascii(node.value))  # repr would escape what this version's Unicode tables do not know
    elif isinstance(node, ast.JoinedStr):
        _put_all(_pieces(node), put)
    else:
        for name in _fields(type(node)):
            value = getattr(node, name, None)
            if isinstance(value, list):
                value = [item for item in value if not _is_text_alone(item)]
            if value:  # what a later version adds is empty where nobody uses its new syntax
                put(f"{name}=")
                _put(value, put)
    put(")")


def _put(value: Any, put: Put) -> None:
    if isinstance(value, ast.AST):
        _put_node(value, put)
    elif isinstance(value, list):
        _put_all(value, put)
    else:
        put(f"{value!a},")


def _put_all(values: Iterable[Any], put: Put) -> None:
    put("[")
    for value in values:
        _put(value, put)
    put("]")


@cache
def _fields(kind: type[ast.AST]) -> Sequence[str]:
    return sorted(set(kind._fields) - SILENT)


def _is_text_alone(node: Any) -> bool:
    """A docstring, or another text that nobody takes."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _pieces(node: ast.JoinedStr) -> Iterator[Any]:
    """The parts of an f-string; Python 3.12 leaves texts in several pieces, some of them empty."""
    text = ""
    for value in node.values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            text += value.value
            continue
        if text:
            yield text
        yield value
        text = ""
    if text:
        yield text
