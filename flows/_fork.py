"""A quicker start of stages: processes that `flows._stages` forks, with the libraries imported."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import dvc.stage.run
from dvc.stage.exceptions import StageCmdFailedError

_their_run: Any = dvc.stage.run._run
#: A stage and plain words; quotes, variables and redirections are the shell's.
_STAGE = re.compile(r"python -m stages\.\w+( [\w./@:=,+-]+)*")


class Stages:
    """Runs `python -m stages.NAME ...` in a process that `flows._stages` forks, and any other command as DVC does."""

    def __init__(self) -> None:
        self._requests: socket.socket | None = None

    def run(self, executable: str | None, cmd: str, **kwargs: Any) -> None:
        """Stands for DVC's function; raises `StageCmdFailedError` when the command fails."""
        if not _STAGE.fullmatch(cmd) or not _can_fork():
            return _their_run(executable, cmd, **kwargs)
        _, _, module, *arguments = cmd.split()
        environment = kwargs["env"]
        self._requests = self._requests or _start(environment)
        request = [module, arguments, str(Path(kwargs["cwd"]).absolute()), environment]
        self._requests.sendall(json.dumps(request).encode() + b"\n")
        answer = self._requests.recv(16)  # a number and the line's end come as one
        status = int(answer or -9)
        if status != 0:
            raise StageCmdFailedError(cmd, status)


def _can_fork() -> bool:
    """Not where a driver would be forked: CUDA forbids it, and there the work is longer than the imports."""
    return sys.platform == "linux" and not Path("/dev/nvidiactl").exists()


def _start(environment: dict[str, str]) -> socket.socket:
    ours, theirs = socket.socketpair()
    with theirs:
        script = str(Path(__file__).with_name("_stages.py"))
        number = theirs.fileno()
        subprocess.Popen([sys.executable, "-P", script, str(number)], env=environment, pass_fds=[number])
    return ours
