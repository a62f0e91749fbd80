"""Processes that other ones have started."""

from __future__ import annotations

import os
import time


def ends_soon(pid: int) -> bool:
    """Whether the process is gone within a quarter of a minute."""
    for _ in range(300):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
