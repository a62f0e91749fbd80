"""The commands of stages, several at once, read line by line; those of stages start in processes that are forked.

`flows._stages` forks them, with the libraries imported.
"""

from __future__ import annotations

import codecs
import io
import json
import os
import re
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dvc.stage.run

from culturebench.numerics import pin

_words: Any = dvc.stage.run._make_cmd
#: A stage and plain words; quotes, variables and redirections are the shell's.
_STAGE = re.compile(r"python -m stages\.\w+( [\w./@:=,+-]+)*")


class Commands:
    """Runs `python -m stages.NAME ...` in a process that `flows._stages` forks, and any other command as DVC does."""

    def __init__(self) -> None:
        self._requests: socket.socket | None = None
        self._asking = threading.Lock()

    def run(self, executable: str | None, cmd: str, say: Callable[[str], None], settings: dict[str, Any]) -> int:
        """The command's exit status, negative for a signal; `say` gets each line, `settings` are DVC's for Popen."""
        (output, its_output), (answer, its_answer) = os.pipe(), os.pipe()
        try:
            try:
                if _STAGE.fullmatch(cmd) and _can_fork():
                    self._ask(cmd, settings, [its_output, its_answer])
                else:
                    _start(executable, cmd, settings, its_output, os.dup(its_answer))
            finally:
                os.close(its_output)
                os.close(its_answer)
            return _read(output, answer, say)
        finally:
            os.close(output)
            os.close(answer)

    def _ask(self, cmd: str, settings: dict[str, Any], pipes: list[int]) -> None:
        _, _, module, *arguments = cmd.split()
        folder, environment = str(Path(settings["cwd"]).absolute()), settings["env"]
        request = json.dumps([module, arguments, folder, environment]).encode()
        with self._asking:
            self._requests = self._requests or _serve({**environment})
            try:
                socket.send_fds(self._requests, [len(request).to_bytes(8, "big")], pipes)
                self._requests.sendall(request)
            except OSError:
                return  # it is gone: nobody answers, which is read as a kill


def _can_fork() -> bool:
    """Not where a driver would be forked: CUDA forbids it, and there the work is longer than the imports."""
    return sys.platform == "linux" and not Path("/dev/nvidiactl").exists()


def _serve(environment: dict[str, str]) -> socket.socket:
    pin(environment)  # that process imports numpy and torch before it imports any stage
    ours, theirs = socket.socketpair()
    with theirs:
        script = str(Path(__file__).with_name("_stages.py"))
        number = theirs.fileno()
        subprocess.Popen([sys.executable, "-P", script, str(number)], env=environment, pass_fds=[number])
    return ours


def _start(executable: str | None, cmd: str, settings: dict[str, Any], output: int, answer: int) -> None:
    try:
        process = subprocess.Popen(_words(executable, cmd), stdout=output, stderr=output, **settings)
    except OSError:
        os.close(answer)
        raise

    def tell() -> None:
        with os.fdopen(answer, "w") as file:
            file.write(f"{process.wait()}\n")

    threading.Thread(target=tell, daemon=True).start()


def _read(output: int, answer: int, say: Callable[[str], None]) -> int:
    """Pass the lines on until the command has ended; what it has left running in the background is not waited for."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
    text = ""
    while True:
        ready, _, _ = select.select([output, answer], [], [])
        piece = os.read(output, 1 << 16) if output in ready else b""
        *lines, text = (text + decoder.decode(piece, final=not piece)).split("\n")
        for line in lines:
            say(line)
        if not piece:
            break
    if text:
        say(text)
    return int(os.read(answer, 16) or -9)  # a number and the line's end come as one
