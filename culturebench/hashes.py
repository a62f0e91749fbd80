"""The sha256 of files, remembered of large ones while size, times and inode say that nobody has touched them.

What is remembered lies in files of this user's alone, and can only confirm a hash: where it is missing, damaged or says
something else than a pin, the file is hashed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

LEAST = 16 * 2**20  # bytes; a smaller file is hashed in no time
#: Seconds for which a file must have been left alone: file systems count time in steps, and within one a second write
#: would not be seen.
SETTLED = 2.0
_OTHERS = 0o077  # the rights of group and others
_folder: Path | None = None


def remember_in(folder: Path | None) -> None:
    """Keep what is hashed from now on in `folder`; None, as at first: remember nothing, and hash at every look."""
    global _folder
    _folder = folder


def sha256_of(path: Path) -> str:
    """Sha256 (hex) of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hashed(path: Path) -> str:
    """Sha256 (hex) of a file's bytes, read now and remembered."""
    before = _state(path)
    found = sha256_of(path)
    age = time.time() - max(before["mtime_ns"], before["ctime_ns"]) / 1e9
    if _folder is not None and before["size"] >= LEAST and age > SETTLED and _state(path) == before:
        with contextlib.suppress(OSError):  # a full or closed disk: then it is hashed again
            _keep(_folder, _entry(_folder, path), json.dumps({**before, "sha256": found}, sort_keys=True))
    return found


def remembered(path: Path) -> str | None:
    """The sha256 (hex) that a file had when it was last hashed, if it has been left alone since; else None."""
    if _folder is None:
        return None
    try:
        kept: Any = json.loads(_read_own(_entry(_folder, path)))
        found = str(kept["sha256"])
        return found if kept == {**_state(path), "sha256": found} else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _state(path: Path) -> dict[str, int]:
    """What changes whenever a file is written, replaced, touched or restored with its old time (ctime)."""
    found = path.stat()
    return {
        "device": found.st_dev,
        "inode": found.st_ino,
        "size": found.st_size,
        "mtime_ns": found.st_mtime_ns,
        "ctime_ns": found.st_ctime_ns,
    }


def _entry(folder: Path, path: Path) -> Path:
    return folder / hashlib.sha256(str(path.resolve()).encode()).hexdigest()


def _keep(folder: Path, entry: Path, text: str) -> None:
    """Written under another name, readable by this user alone, and renamed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(entry)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _read_own(entry: Path) -> str:
    """The text of a file that no other user can have written; `OSError` for any other."""
    with os.fdopen(os.open(entry, os.O_RDONLY | os.O_NOFOLLOW), encoding="utf-8") as file:
        found = os.fstat(file.fileno())
        if found.st_uid != os.getuid() or found.st_mode & _OTHERS:
            raise PermissionError(f"{entry} is not of this user alone")
        return file.read()
