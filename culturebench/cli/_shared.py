"""What all commands share: the project's root and where they print."""

import sys
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from culturebench.errors import plain

ROOT = Path()
# In a file or a pipe there is no width to keep to.
console = Console(width=None if sys.stdout.isatty() else 200)


def say(text: str, *, err: bool = False) -> None:
    """Print a line that may hold what a file, a server or the environment says."""
    typer.echo(plain(text), err=err)


def cell(text: str) -> str:
    """What a file, a server or the environment says, for a table or a line of `console`: no markup, no escapes."""
    return escape(plain(text))
