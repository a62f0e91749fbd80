"""Results that were slow or paid for, kept outside the workspace under a key of all that determines them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import sys
import uuid
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem
from platformdirs import user_cache_dir

from culturebench.errors import CultureBenchError

HASH_BYTES = 32
_OTHERS = 0o007  # the rights of those who are neither the owner nor of the group
_KEY = re.compile("[0-9a-f]{64}")
TRIES = 5  # of a `put` whose file a `delete` takes away under its hands


class StoreError(CultureBenchError):
    """A store that cannot be read or written."""


class Store:
    """Content-addressed results at an fsspec URL (`/a/folder`, `s3://bucket/prefix`), open to no other user.

    Every entry starts with the sha256 of its content, so that a truncated or damaged one counts as absent.
    Two writers of one key write equal bytes under names of their own; the last rename wins. Raises `StoreError`.
    """

    def __init__(self, url: str) -> None:
        self._name = without_secrets(url)
        with self._usable("read"):
            files, root = fsspec.url_to_fs(url)
        self._files: Any = files
        self._root = str(root)

    def get(self, key: str) -> bytes | None:
        """The content kept under `key`, or None when there is none that is whole."""
        try:
            with self._usable("read"):
                entry = self._files.cat_file(self._path(key))
        except FileNotFoundError:
            return None
        return entry[HASH_BYTES:] if _is_whole(entry) else None

    def put(self, key: str, content: bytes) -> None:
        """Keep `content` under `key`: written to a name of its own, then renamed, so that no reader sees half of it."""
        with self._usable("written"):
            self._make_private()
            for _ in range(TRIES - 1):
                with contextlib.suppress(FileNotFoundError):  # a `delete` of this key took what was being written
                    return self._put(key, content)
            self._put(key, content)

    def _put(self, key: str, content: bytes) -> None:
        path = self._path(key)
        temporary = f"{path}.{uuid.uuid4().hex}.tmp"
        self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
        try:
            self._files.pipe_file(temporary, hashlib.sha256(content).digest() + content)
            self._files.mv(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                self._files.rm_file(temporary)
            raise

    def delete(self, key: str) -> bool:
        """Delete what is kept under `key`, and what a killed `put` left of it; whether there was anything."""
        with self._usable("written"):
            found = self._files.glob(f"{self._path(key)}*")
            for path in found:
                with contextlib.suppress(FileNotFoundError):  # a `put` renamed it, or another `delete` was first
                    self._files.rm_file(path)
            with contextlib.suppress(FileNotFoundError):
                self._files.rm_file(self._path(key))  # what it was renamed to
        return bool(found)

    def lock_file(self, key: str) -> Path:
        """Where processes of this machine lock `key`: beside local entries, for a bucket in the user's cache folder."""
        with self._usable("written"):
            self._make_private()
            local = isinstance(self._files, LocalFileSystem)
            folder = Path(self._root if local else user_cache_dir("culturebench")) / "locks"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return folder / key

    def drop_damaged(self) -> tuple[int, list[str]]:
        """Read everything that is kept and delete what is damaged; how many there were, and the keys of the damaged."""
        with self._usable("read"):
            paths = self._files.find(self._root) if self._files.exists(self._root) else []
        keys = sorted(key for path in paths if _KEY.fullmatch(key := str(path).rpartition("/")[2]))
        damaged = [key for key in keys if self._is_damaged(key)]
        for key in damaged:
            self.delete(key)
        return len(keys), damaged

    def _is_damaged(self, key: str) -> bool:
        try:
            with self._usable("read"):
                return not _is_whole(self._files.cat_file(self._path(key)))
        except FileNotFoundError:
            return False

    def _make_private(self) -> None:
        """A new folder is closed to others, an older one that is open to everybody is closed to these, and told of."""
        if not isinstance(self._files, LocalFileSystem):
            return
        folder = Path(self._root)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
        if found.st_mode & _OTHERS and found.st_uid == os.getuid():
            folder.chmod(found.st_mode & 0o7777 & ~_OTHERS)
            print(f"{self._name} was open to every user of this machine, and is no more", file=sys.stderr)

    @contextlib.contextmanager
    def _usable(self, what: str) -> Generator[None]:
        """What the file system refuses becomes one message."""
        try:
            yield
        except FileNotFoundError:
            raise
        except Exception as error:  # a bucket's client raises what it likes, and may put a key into its words
            why = getattr(error, "strerror", None) or type(error).__name__
            raise StoreError(
                f"the store of cached results at {self._name} cannot be {what} ({why}); make room or rights there, "
                "or name another folder or bucket in CULTUREBENCH_STORE"
            ) from None

    def _path(self, key: str) -> str:
        return f"{self._root}/{key[:2]}/{key}"


def _is_whole(entry: bytes) -> bool:
    return hashlib.sha256(entry[HASH_BYTES:]).digest() == entry[:HASH_BYTES]


def without_secrets(url: str) -> str:
    """The URL as it may be shown: without user, password, query and fragment."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return url
    place, slash, path = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
    user, at, host = place.rpartition("@")
    return f"{scheme}://{'***@' if at and user else ''}{host}{slash}{path}"


def key_of(determinants: Mapping[str, Any]) -> str:
    """Sha256 (hex) of the mapping as sorted JSON; everything in it must be JSON."""
    text = json.dumps(determinants, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def pack(parts: list[bytes]) -> bytes:
    """Several byte strings as one, each after its length (8 bytes, big-endian)."""
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def unpack(packed: bytes) -> list[bytes]:
    """The byte strings that `pack` joined."""
    parts: list[bytes] = []
    at = 0
    while at < len(packed):
        start = at + 8
        at = start + int.from_bytes(packed[at:start], "big")
        parts.append(packed[start:at])
    return parts
