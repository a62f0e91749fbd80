"""Holds a process of the soak where an aimed kill is to meet it; Python imports this by its name when it starts.

Python itself announces files that are opened, renamed and copied (its audit events). The place is in SOAK_AIM: an
event, the number of its argument and a pattern, a pattern of the command line, which occurrence counted over all
processes, and a file that says that the place was reached.
"""

import json
import os
import re
import sys
import time
from typing import Any

#: Longer than whoever waits for the file needs to kill.
PATIENCE = 60.0


def hold() -> None:
    """Install the hook for the place that the environment names."""
    event, argument, pattern, within, occurrence, reached = json.loads(os.environ["SOAK_AIM"])
    here, busy = re.compile(pattern), False

    def hook(name: str, arguments: tuple[Any, ...]) -> None:
        nonlocal busy
        if name != event or busy:
            return
        busy = True
        try:
            met = arguments[argument]  # a number where a file is opened by its descriptor
            if (
                not isinstance(met, int)
                and here.search(os.fsdecode(met))
                and re.search(within, " ".join(getattr(sys, "argv", ())))
            ):
                _count(reached, occurrence)
        finally:
            busy = False

    sys.addaudithook(hook)


def _count(reached: str, occurrence: int) -> None:
    number = os.open(f"{reached}.count", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(number, b".")
    found = os.fstat(number).st_size
    os.close(number)
    if found == occurrence:
        os.close(os.open(reached, os.O_WRONLY | os.O_CREAT))
        time.sleep(PATIENCE)


if "SOAK_AIM" in os.environ:
    hold()
