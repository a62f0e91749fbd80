"""One digest for all code that something runs: another one when, and only when, other code can change what it does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from culturebench.code.module import Module
from culturebench.code.sources import Sources


def digests(
    root: Path,
    stages: Iterable[str],
    document: Mapping[str, Any],
    read: Callable[[str, bytes], Module] = Module.read,
) -> dict[str, str]:
    """Stage -> digest of `stages/<stage>.py` below `root` and all that it reaches; `document` is params.yaml, parsed.

    A function that a section names (`use: module:name`) counts for the stages that read the section, if its module lies
    in the root; what is installed is a matter of its `version`. `CodeError` for a file that is no Python.

    `read` is as in `Sources`.
    """
    sources = Sources(root, read=read)
    custom = {f"culturebench/params/{section}.py": set(_used(content)) for section, content in document.items()}
    found: dict[str, str] = {}
    for stage in sorted(stages):
        reached = sources.closure(f"stages/{stage}.py")
        modules = {module for section in custom.keys() & reached for module in custom[section]}
        files = {file for file in map(sources.file_of, modules) if file}
        found[stage] = digest(sources, reached | sources.closure(*files))
    return found


def digest(sources: Sources, files: Iterable[str]) -> str:
    """Sha256 (hex) of the files, named by their paths, and of the texts, styles and numbers beside them."""
    everything = {name for file in files for name in (file, *sources.data_files(file))}
    whole = hashlib.sha256()
    for name in sorted(everything):
        if content := sources.digest(name):
            whole.update(f"{name} {content}\n".encode())
    return whole.hexdigest()


def _used(content: Any) -> Iterator[str]:
    """The modules of all functions that a section names."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            if key == "use" and isinstance(value, str):
                yield value.partition(":")[0]
            else:
                yield from _used(value)
    elif isinstance(content, list):
        for value in content:
            yield from _used(value)
