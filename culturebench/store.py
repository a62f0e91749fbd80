"""Results that were slow or paid for, kept outside the workspace under a key of all that determines them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any

import fsspec

HASH_BYTES = 32


class Store:
    """Content-addressed results at an fsspec URL (`/a/folder`, `s3://bucket/prefix`).

    Every entry starts with the sha256 of its content, so that a truncated or damaged one counts as absent.
    Two writers of one key write equal bytes under names of their own; the last rename wins.
    """

    def __init__(self, url: str) -> None:
        files, root = fsspec.url_to_fs(url)
        self._files: Any = files
        self._root = str(root)

    def get(self, key: str) -> bytes | None:
        """The content kept under `key`, or None when there is none that is whole."""
        try:
            entry = self._files.cat_file(self._path(key))
        except FileNotFoundError:
            return None
        digest, content = entry[:HASH_BYTES], entry[HASH_BYTES:]
        return content if hashlib.sha256(content).digest() == digest else None

    def put(self, key: str, content: bytes) -> None:
        """Keep `content` under `key`: written to a name of its own, then renamed, so that no reader sees half of it."""
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
        found = self._files.glob(f"{self._path(key)}*")
        for path in found:
            self._files.rm_file(path)
        return bool(found)

    def _path(self, key: str) -> str:
        return f"{self._root}/{key[:2]}/{key}"


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
