"""Reading files of a folder that strangers filled: never outside of it, never a device, never without a limit."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path


class Refused(Exception):
    """A file that is not read; `reason` is a word for counting, the message a sentence."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def read_inside(folder: Path, relative: str, max_bytes: int) -> bytes:
    """The bytes of `folder/relative`; `Refused` for anything but a regular file reached without a link.

    Every part of the path is opened in the folder opened before it, so that nobody can swap a part
    between a check and its use.
    """
    parts = _parts(relative)
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            deeper = _open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, place, relative)
            os.close(place)
            place = deeper
        # O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever.
        handle = _open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, place, relative)
    finally:
        os.close(place)
    try:
        return _read(handle, relative, max_bytes)
    finally:
        os.close(handle)


def walk(folder: Path, depth: int = 32) -> Iterator[str]:
    """Relative names of everything below `folder` that is no folder, sorted; links are named, not followed.

    A folder that cannot be read, or lies deeper than `depth`, is named itself.
    """
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield from sorted(_below(place, "", depth))
    finally:
        os.close(place)


def _below(place: int, prefix: str, depth: int) -> Iterator[str]:
    """From folder to folder by what is open, since a whole path may be longer than the system takes."""
    with os.scandir(place) as found:
        entries = list(found)
    for entry in entries:
        name = f"{prefix}{entry.name}"
        if not entry.is_dir(follow_symlinks=False) or depth == 0:
            yield name
            continue
        try:
            deeper = _open(entry.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, place, name)
        except Refused:
            yield name
            continue
        try:
            yield from _below(deeper, f"{name}/", depth - 1)
        finally:
            os.close(deeper)


def printable(name: str) -> str:
    """A file name as text: bytes that are no UTF-8 are shown as escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _read(handle: int, relative: str, max_bytes: int) -> bytes:
    state = os.fstat(handle)
    if not stat.S_ISREG(state.st_mode):
        raise Refused("not_a_file", f"{printable(relative)} is no regular file")
    try:
        with open(handle, "rb", closefd=False) as file:
            data = b"" if state.st_size > max_bytes else file.read(max_bytes + 1)
    except OSError as error:
        raise Refused("unreadable", f"{printable(relative)} cannot be read: {error.strerror}") from None
    if max(state.st_size, len(data)) > max_bytes:
        raise Refused("too_many_bytes", f"{printable(relative)} has more than {max_bytes} bytes")
    return data


def _parts(relative: str) -> list[str]:
    parts = relative.split("/")
    if relative.startswith("/") or ".." in parts or "\0" in relative:
        raise Refused("outside_folder", f"{printable(relative)} leads out of the folder")
    parts = [part for part in parts if part not in ("", ".")]
    if not parts:
        raise Refused("not_a_file", "an empty file name")
    return parts


def _open(part: str, flags: int, place: int, relative: str) -> int:
    shown = printable(relative)
    try:
        return os.open(part, flags, dir_fd=place)
    except OSError as error:
        if error.errno == errno.ELOOP or (error.errno == errno.ENOTDIR and _is_link(part, place)):
            raise Refused("symbolic_link", f"{shown} is or passes a symbolic link") from None
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
            raise Refused("missing", f"{shown} does not exist") from None
        raise Refused("unreadable", f"{shown} cannot be read: {error.strerror}") from None


def _is_link(part: str, place: int) -> bool:
    return stat.S_ISLNK(os.stat(part, dir_fd=place, follow_symlinks=False).st_mode)
