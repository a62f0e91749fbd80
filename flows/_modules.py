"""What Python files say of the code that they reach, kept from the last run, so that only changed files are parsed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from culturebench import code
from culturebench.code.module import Module

PATH = ".dvc/tmp/modules.json"
_SETS = ("imported", "imported_at_once", "texts")


class KeptModules:
    """Reads modules, those known by the bytes of their text without parsing it.

    A file that is missing, damaged, or of another version of Python or of what reads modules holds nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = _load(path)
        self._asked: dict[str, Module] = {}

    def read(self, file: str, text: bytes) -> Module:
        """The module of that text; raises what Python raises when it is none."""
        key = hashlib.sha256(file.encode() + b"\0" + text).hexdigest()
        if key not in self._asked:
            kept = self._kept.get(key)
            self._asked[key] = Module.read(file, text) if kept is None else _module(kept)
        return self._asked[key]

    def keep(self) -> None:
        """Write down what was asked, if that is something new; where nothing can be written, it is parsed again."""
        if self._asked.keys() == self._kept.keys():
            return
        content = json.dumps({key: _fields(found) for key, found in self._asked.items()})
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(f"{_mark(content)}\n{content}", encoding="utf-8")
            temporary.replace(self._path)


def _load(path: Path) -> Mapping[str, Any]:
    try:
        mark, _, content = path.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return {}
    return json.loads(content) if mark == _mark(content) else {}


def _mark(content: str) -> str:
    """Sha256 (hex) of the content and of what decides how modules are read."""
    readers = sorted(Path(code.__file__).parent.glob("*.py"))
    whole = hashlib.sha256(sys.version.encode())
    for part in (*(path.read_bytes() for path in readers), content.encode()):
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()


def _fields(found: Module) -> dict[str, Any]:
    sets = {name: sorted(getattr(found, name)) for name in _SETS}
    return {"file": found.file, "digest": found.digest, "is_lazy": found.is_lazy, "asked": sorted(found.asked), **sets}


def _module(fields: Mapping[str, Any]) -> Module:
    sets = {name: frozenset(fields[name]) for name in _SETS}
    asked = frozenset((base, name) for base, name in fields["asked"])
    return Module(file=fields["file"], digest=fields["digest"], is_lazy=fields["is_lazy"], asked=asked, **sets)
