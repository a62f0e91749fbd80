"""Parts of the library that need more than `pip install culturebench` brings."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from culturebench.errors import CultureBenchError


class ExtraError(CultureBenchError):
    """A package that is not installed, with the command that installs it."""


def command(extra: str) -> str:
    """What installs an extra, for a person to run."""
    return f"pip install 'culturebench[{extra}]'"


@contextmanager
def needed(extra: str) -> Generator[None]:
    """Around imports of packages that the extra brings; `ExtraError` when one of them is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ExtraError(f"the package {error.name} is not installed; run `{command(extra)}`") from None
