"""Runs a command as a process group and ends the whole group when whoever started this is gone, however it went.

`flows.processes` starts it as a script with a pipe for its standard input: the pipe's end is the sign to stop.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

#: How long a stopped group may take to end by itself, in seconds.
GRACE = 5.0


def main() -> int:
    """Run the command of the arguments; returns its exit status."""
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, process_group=0)
    threading.Thread(target=_stop_at_the_end_of_input, args=(command,), daemon=True).start()
    status = command.wait()
    # What the command has left behind would go on writing.
    _send(command.pid, signal.SIGKILL)
    return status if status >= 0 else 128 - status


def _stop_at_the_end_of_input(command: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1):
        pass
    _send(command.pid, signal.SIGTERM)
    try:
        command.wait(GRACE)
    except subprocess.TimeoutExpired:
        _send(command.pid, signal.SIGKILL)


def _send(group: int, sign: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, sign)


if __name__ == "__main__":
    sys.exit(main())
