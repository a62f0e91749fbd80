"""Which code of ours made a cached result."""

from __future__ import annotations

from pathlib import Path

from culturebench.code.digests import digest
from culturebench.code.sources import Sources

PACKAGE = "culturebench"


def code_hash(*files: str, reached: bool = False) -> str:
    """Sha256 (hex) of modules of this package, with `reached` also of all that they import.

    Comments, docstrings and formatting count not, nor does the version of Python.
    """
    sources = Sources(Path(__file__).parents[2], (PACKAGE,))
    ours = [f"{PACKAGE}/{file}" for file in files]
    return digest(sources, sources.closure(*ours) if reached else ours)
