"""Runs the stages of one `dvc repro` in processes forked from this one, so that libraries are imported once a run.

Importing torch, transformers and diffusers takes longer than most stages of a small run work. What a stage has imported
this process imports too, while DVC and the next stage are at work; the next stage then starts with it. Only libraries:
the project's own code is read anew by each stage, so that a stage never runs code older than what DVC notes of it.

`flows._fork` starts this as a script with the descriptor of a socket. A line is a request, a JSON list: the module,
its arguments, its folder, its environment. Each is answered by a line with the exit status, negative for a signal.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import socket
import sys
import tempfile
import threading
import traceback
from collections import deque
from contextlib import suppress
from typing import IO, Any, NoReturn

#: What takes long to import, and starts no threads and reads no settings that differ between stages.
LIBRARIES = (
    *("PIL", "accelerate", "diffusers", "huggingface_hub", "numpy", "pandas", "pyarrow", "pydantic", "requests"),
    *("safetensors", "scipy", "tokenizers", "torch", "transformers", "yaml"),
)


def serve(requests: socket.socket) -> list[Any] | None:
    """Fork for each request. Returns the request in the new process, and None in this one when there are no more."""
    wanted: deque[str] = deque()
    lines = requests.makefile("r", encoding="utf-8")
    while True:
        while wanted and not select.select([requests], [], [], 0)[0]:
            _import(wanted.popleft())
        line = lines.readline()
        if not line:
            return None
        imported = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 both processes go on with it
        gc.freeze()  # the stage's collector need not look through the libraries, nor copy their memory for it
        child = os.fork()
        if child == 0:
            requests.close()
            atexit.register(_tell, imported, frozenset(sys.modules))
            return json.loads(line)
        status = _wait(child, wanted)
        with imported:
            imported.seek(0)
            wanted.extend(imported.read().split())
        requests.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _wait(child: int, wanted: deque[str]) -> int:
    """The child's wait status; imports meanwhile."""
    while wanted:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        _import(wanted.popleft())
    return os.waitpid(child, 0)[1]


def _import(name: str) -> None:
    with suppress(Exception):  # some modules can be imported by another one only; stages do as they always did
        importlib.import_module(name)


def _tell(imported: IO[str], known: frozenset[str]) -> None:
    """Write down the libraries' modules that this process has imported since the fork, in their order."""
    new = (name for name in list(sys.modules) if name not in known and name.partition(".")[0] in LIBRARIES)
    imported.write("\n".join(new))
    imported.close()


def main() -> None:
    """Serve; in a forked process, be `python -m MODULE ARGUMENT ...`."""
    request = serve(socket.socket(fileno=int(sys.argv[1])))
    if request is None:
        return
    module, arguments, folder, environment = request
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path.insert(0, folder)
    sys.argv[1:] = arguments
    _end(_status(module))


def _status(module: str) -> int:
    """Run the module; the exit status that Python would end with, its message written."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        if stop.code is None or isinstance(stop.code, int):
            return stop.code or 0
        print(stop.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _end(status: int) -> NoReturn:
    """What Python does at its end, without taking the libraries' modules apart: that takes a second."""
    threading._shutdown()  # pyright: ignore[reportAttributeAccessIssue]  # as multiprocessing ends a process
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
