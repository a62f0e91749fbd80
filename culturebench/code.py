"""Which code of ours made a cached result."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path


def code_hash(*files: str) -> str:
    """Sha256 (hex) of modules of this package, comments and formatting left out."""
    package = Path(__file__).parent
    trees = [ast.dump(ast.parse((package / file).read_text(encoding="utf-8"))) for file in files]
    return hashlib.sha256("\n".join(trees).encode()).hexdigest()
