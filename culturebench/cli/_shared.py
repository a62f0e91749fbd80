"""What all commands share: the project's root and where they print."""

import sys
from pathlib import Path

from rich.console import Console

ROOT = Path()
# In a file or a pipe there is no width to keep to.
console = Console(width=None if sys.stdout.isatty() else 200)
