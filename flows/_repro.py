"""DVC's command line with a quicker hand on `dvc.lock` and a quicker start of stages: the same runs, the same content.

DVC reads and writes the whole file after every stage, by the parser that keeps comments, and in place. `dvc.lock` has
no comments: the parser without them takes about a quarter of the time, which at 120 stages is minutes of a run. And a
file that is renamed into its place is never found cut off. `flows._stages` says why stages start there.

`flows.dvc` starts this as a script with DVC's arguments. Plain `dvc repro` goes on to work as well, only slower.
"""

from __future__ import annotations

import io
import json
import re
import socket
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dvc.dvcfile
import dvc.stage.run
from dvc.cli import main
from dvc.stage.exceptions import StageCmdFailedError
from dvc.utils.serialize import load_yaml
from ruamel.yaml import YAML

_theirs: Any = dvc.dvcfile.modify_yaml
_their_run: Any = dvc.stage.run._run
#: A stage and plain words; quotes, variables and redirections are the shell's.
_STAGE = re.compile(r"python -m stages\.\w+( [\w./@:=,+-]+)*")


@contextmanager
def modify_yaml(path: str, fs: Any = None) -> Generator[dict[str, Any]]:
    """The content of the YAML file at `path`, to be changed in place; written back unless the block raises.

    Any other file than `dvc.lock` is left to DVC, which keeps its comments.
    """
    file = Path(path)
    if file.name != dvc.dvcfile.LOCK_FILE:
        with _theirs(path, fs=fs) as content:
            yield content
        return
    content = load_yaml(path) if file.exists() else {}
    yield content
    whole = file.with_name(f"{file.name}.tmp")  # DVC's lock lets one process write; what a kill leaves is overwritten
    whole.write_text(dumps(content), encoding="utf-8")
    whole.replace(file)


def dumps(content: dict[str, Any]) -> str:
    """YAML as DVC writes it; other quotes only around apostrophes, emoji and texts of several lines."""
    yaml: Any = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False
    yaml.representer.add_representer(type(None), _empty)
    yaml.representer.add_representer(OrderedDict, yaml.representer.__class__.represent_dict)
    stream = io.StringIO()
    yaml.dump(content, stream)
    return stream.getvalue().replace(": \n", ":\n")


def _empty(representer: Any, _: None) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:null", "")


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


if __name__ == "__main__":
    dvc.dvcfile.modify_yaml = modify_yaml
    dvc.stage.run._run = Stages().run
    sys.exit(main(sys.argv[1:]))
