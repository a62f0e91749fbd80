"""Keeps code.json, by which stages depend on their code, as new as the code."""

from __future__ import annotations

from pathlib import Path

from culturebench.artifacts import code
from culturebench.artifacts._folders import make_unfilled
from culturebench.artifacts._table import ArtifactError
from culturebench.code.digests import digests
from culturebench.params import load_document
from flows._modules import PATH, KeptModules

STAGE = code.STAGE


def current(root: Path, *, keep: bool = False) -> dict[str, str]:
    """Stage -> digest of its code as it is now; empty in a project that has no stage `code`.

    With `keep`, files that do not change until the next call are not parsed again then.
    """
    stages = {path.stem for path in (root / "stages").glob("[!_]*.py")}
    if STAGE not in stages:
        return {}
    modules = KeptModules(root / PATH)
    found = digests(root, stages - {STAGE}, load_document(root / "params.yaml"), modules.read)
    if keep:
        modules.keep()
    return found


def note(root: Path) -> None:
    """What the stage `code` does: code.json anew where it is old, and folders that nobody fills.

    Those who do so at once write the same bytes.
    """
    if found := current(root, keep=True):
        code.save(root / code.PATH, found)
        make_unfilled(root, load_document(root / "params.yaml"))


def unnoted(root: Path) -> dict[str, str]:
    """The digests of now where code.json has others, for a look that writes nothing; else empty."""
    found = current(root)
    try:
        return found if found and code.load(root / code.PATH) != found else {}
    except ArtifactError:
        return found
