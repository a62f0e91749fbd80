"""The password of the local Prefect server: a random text in a file that only its owner reads."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from culturebench.errors import CultureBenchError

NAME = "auth-string"


class SecretError(CultureBenchError):
    """A password that cannot be trusted any more."""


def private_home(home: Path) -> Path:
    """The folder, closed to everybody else: the server's database holds what runs were given and said."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    home.chmod(0o700)
    return home


def password(home: Path) -> str:
    """What the server and those who ask it share; made when there is none. `SecretError` when others could read it."""
    path = home / NAME
    if not path.exists():
        _make(path)
    state = path.stat()
    if state.st_mode & 0o077 or state.st_uid != os.geteuid():
        raise SecretError(
            f"others can read {path}: end what uses it with `culturebench server down`, delete it, and start again"
        )
    found = path.read_text(encoding="utf-8").strip()
    if not found:
        raise SecretError(f"{path} is empty: delete it, and start again")
    return found


def _make(path: Path) -> None:
    """Whole or not at all; who comes second takes the first one's."""
    number, temporary = tempfile.mkstemp(dir=path.parent)  # 0600
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(secrets.token_urlsafe(32))
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        Path(temporary).unlink()
