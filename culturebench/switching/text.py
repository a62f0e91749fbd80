"""Changes in the text of params.yaml: whatever is not changed keeps every character, comments too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


def with_value(text: str, keys: list[str], value: Any) -> str:
    """The text with another value under a path of keys; `KeyError` where there is none."""
    node = _node(text, keys)
    return text[: node.start_mark.index] + _flow(value) + text[_end(node) :]


def with_entries(text: str, section: str, entries: Mapping[str, Any], *, beside: bool) -> str:
    """The text with entries of a section in the place of those there, or `beside` them.

    One of the same name is replaced. The section is a block, one entry a line or more.
    """
    new = {name: _flow(entry) for name, entry in entries.items()}
    node = _node(text, [section])
    pairs = list(node.value)
    if not pairs or node.flow_style:
        block = "".join(f"\n  {name}: {entry}" for name, entry in new.items())
        return text[: node.start_mark.index].rstrip(" ") + block + text[node.end_mark.index :]
    first, last = _line_start(text, pairs[0][0].start_mark.index), _line_end(text, _end(pairs[-1][1]))
    lines = "".join(f"  {name}: {entry}\n" for name, entry in new.items())
    if not beside:
        return text[:first] + lines + text[last:]
    kept = "".join(
        text[_line_start(text, key.start_mark.index) : _line_end(text, _end(value))]
        for key, value in pairs
        if key.value not in new
    )
    return text[:first] + kept + lines + text[last:]


def _node(text: str, keys: list[str]) -> Any:
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for wanted in keys:
        found = [value for key, value in node.value if key.value == wanted]
        if not found:
            raise KeyError(".".join(keys))
        node = found[0]
    return node


def _end(node: Any) -> int:
    """Where the last character of a node stands; a block's own mark is behind what follows it."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(node, yaml.MappingNode) else last
    return node.end_mark.index


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _flow(value: Any) -> str:
    dumped = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False, allow_unicode=True)
    return dumped.removesuffix("\n").removesuffix("\n...")
