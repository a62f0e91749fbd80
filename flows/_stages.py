"""Runs the stages of one `dvc repro` in processes forked from this one, so that libraries are imported once a run.

Importing torch, transformers and diffusers takes longer than most stages of a small run work. What a stage has imported
this process imports too, while DVC and the next stage are at work; the next stage then starts with it. Only libraries:
the project's own code is read anew by each stage, so that a stage never runs code older than what DVC notes of it.

`flows._fork` starts this as a script with the descriptor of a socket. A request is a JSON list: the module, its
arguments, its folder, its environment. Before it come its length and two descriptors: where the stage prints, and where
a line with its exit status goes, negative for a signal.
"""

from __future__ import annotations

import atexit
import errno
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
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, NoReturn

#: What takes long to import, and starts no threads and reads no settings that differ between stages.
LIBRARIES = (
    *("PIL", "accelerate", "diffusers", "huggingface_hub", "numpy", "pandas", "pyarrow", "pydantic", "requests"),
    *("safetensors", "scipy", "tokenizers", "torch", "transformers", "yaml"),
)

#: A disk is full, or a person's share of it, or can only be read: no fault of a stage. Libraries say it in errors of
#: their own.
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass(frozen=True)
class Child:
    """A stage at work: its process, where its exit status is to be written, and where it tells what it imported."""

    number: int
    answer: int
    imported: IO[str]


def serve(requests: socket.socket) -> list[Any] | None:
    """Fork for each request. Returns the request in the new process, and None in this one when there are no more."""
    wanted: deque[str] = deque()
    children: dict[int, Child] = {}  # by a descriptor that can be read when the process has ended
    while True:
        ready, _, _ = select.select([requests, *children], [], [], 0 if wanted else None)
        for sign in children.keys() & set(ready):
            wanted.extend(_ended(children.pop(sign)))
            os.close(sign)
        if requests in ready:
            found = _receive(requests)
            if found is None:
                return None
            request, output, answer = found
            imported = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 both processes go on with it
            gc.freeze()  # the stage's collector need not look through the libraries, nor copy their memory for it
            number = os.fork()
            if number == 0:
                _leave(requests, answer, children)
                _print_to(output)
                atexit.register(_tell, imported, frozenset(sys.modules))
                return request
            os.close(output)
            children[os.pidfd_open(number)] = Child(number, answer, imported)
        elif not ready:
            _import(wanted.popleft())


def _receive(requests: socket.socket) -> tuple[list[Any], int, int] | None:
    """A request with the descriptors for the output and the exit status; None when there are no more."""
    head, pipes, _, _ = socket.recv_fds(requests, 8, 2)
    if not head:
        return None
    body, size = b"", int.from_bytes(head, "big")
    while len(body) < size:
        body += requests.recv(size - len(body))
    return json.loads(body), pipes[0], pipes[1]


def _ended(child: Child) -> list[str]:
    """Tell the child's exit status; what it imported."""
    _, status = os.waitpid(child.number, 0)
    with suppress(BrokenPipeError):
        os.write(child.answer, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os.close(child.answer)
    with child.imported as imported:
        imported.seek(0)
        return imported.read().split()


def _leave(requests: socket.socket, answer: int, children: Mapping[int, Child]) -> None:
    """Close, in a new process, what is its parent's alone: an answer's end is the sign that the parent is gone."""
    requests.close()
    os.close(answer)
    for sign, child in children.items():
        os.close(sign)
        os.close(child.answer)
        child.imported.close()


def _print_to(output: int) -> None:
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)


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
    except BaseException as error:
        if any(os.strerror(number) in str(error) for number in DISK):
            print(f"{module}: {error}; free some space, or let it be written to, and run again", file=sys.stderr)
        else:
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
