"""How much memory pictures may take at a time, by all threads of a process together."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Generator
from contextlib import contextmanager

#: After pictures of more than this part of the room, the allocator is asked for what it has hoarded for their thread.
_LARGE = 16


class Room:
    """A number of bytes that threads share: whoever needs more than is left waits for the others."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._left = size
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, size: int) -> Generator[None]:
        """Hold `size` bytes, at most all; not to be nested, since two that hold a part would wait for ever.

        What was freed goes back to the system before others go on.
        """
        size = min(size, self.size)
        with self._changed:
            self._changed.wait_for(lambda: self._left >= size)
            self._left -= size
        try:
            yield
        finally:
            if size > self.size // _LARGE:
                _trim()
            with self._changed:
                self._left += size
                self._changed.notify_all()


def _trim() -> None:
    """The allocator of glibc keeps freed memory for the thread that freed it; others do not."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
