"""Commands that need more than the library: a clone of the project, or the packages that run its pipeline."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, requires
from importlib.util import find_spec
from typing import Any

from typer.core import TyperCommand

from culturebench.cli._shared import ROOT
from culturebench.errors import CultureBenchError
from culturebench.extras import ExtraError, command

FILES = ("params.yaml", "dvc.yaml")
PIPELINE = "pipeline"
#: What the root of a clone has, and no folder above it.
MARKS = (*FILES, "flows")


class CloneError(CultureBenchError):
    """A command that works in a clone of the project, called elsewhere."""


class CloneCommand(TyperCommand):
    """Reads or writes the files of a clone."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command in the root of a clone; `CloneError` elsewhere."""
        need_clone(ctx.command_path)
        return super().invoke(ctx)


class PipelineCommand(CloneCommand):
    """Also runs stages, flows or services, with the packages of the extra `pipeline`."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; `CloneError` outside of a clone's root, `ExtraError` where packages are missing."""
        need_clone(ctx.command_path)
        need_pipeline(ctx.command_path)
        return super().invoke(ctx)


def need_clone(name: str) -> None:
    """`CloneError` unless the current folder is the root of a clone."""
    if any((ROOT / name).is_file() for name in FILES):
        return
    here = ROOT.resolve()
    above = next((folder for folder in here.parents if all((folder / mark).exists() for mark in MARKS)), None)
    advice = f"change into {above}" if above else f"there is no {' or '.join(FILES)} in {here}"
    raise CloneError(f"`{name}` works in the root of a clone of the project; {advice}")


def need_pipeline(name: str) -> None:
    """Let `flows` be imported from the clone, which the library does not bring; `ExtraError` without its packages."""
    missing = sorted(_missing())
    if missing:
        shown = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
        raise ExtraError(f"`{name}` needs packages that are not installed ({shown}): run `{command(PIPELINE)}`")
    root = str(ROOT.resolve())
    if (ROOT / "flows").is_dir() and root not in sys.path:
        sys.path.insert(0, root)
    if find_spec("flows") is None:
        raise CloneError(f"`{name}` works in the root of a clone of the project; there are no flows/ in {root}")


def _missing() -> Iterator[str]:
    """Distributions of the extra that are not there; none where nobody has installed this project, as in containers."""
    try:
        wanted = requires("culturebench") or []
    except PackageNotFoundError:
        return
    for requirement in wanted:
        found = re.match(r"([\w.-]+).*extra == [\"']pipeline[\"']", requirement)
        if found:
            try:
                distribution(found[1])
            except PackageNotFoundError:
                yield found[1]
