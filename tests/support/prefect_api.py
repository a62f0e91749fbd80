"""A workspace with its own Prefect server and worker, started as a person starts them, and asked over HTTP."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from chromium import Page
from workspace import Workspace

FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
PATIENCE = 900.0  # seconds; a busy machine is slow, and nothing here is about speed


@dataclass(frozen=True)
class Deployed:
    """`culturebench server up` in `workspace`, its server on `port`; `secrets` are in its environment."""

    workspace: Workspace
    port: int
    secrets: dict[str, str]

    @property
    def person(self) -> dict[str, str]:
        """The environment of who works here, before the server is told of."""
        own = {"PYTHONPATH": str(self.workspace.root), "PWD": str(self.workspace.root)}
        return {**self.workspace.shell, **self.secrets, **own}

    @property
    def password(self) -> str:
        """What the server wants to hear; empty before the first start."""
        path = self.workspace.root / ".prefect/auth-string"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def command(self, *arguments: str) -> str:
        """What a command prints in the workspace; it must succeed."""
        done = self._run(arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        told = {"PREFECT_API_URL": f"http://127.0.0.1:{self.port}/api", "PREFECT_API_AUTH_STRING": self.password}
        environment = {**self.person, **told}
        return subprocess.run(
            arguments, cwd=self.workspace.root, env=environment, capture_output=True, text=True, check=False
        )

    def up(self) -> str:
        """Start whatever does not run."""
        return self.command(*self._up)

    def try_up(self) -> subprocess.CompletedProcess[str]:
        """The same where it may fail."""
        return self._run(self._up)

    @property
    def _up(self) -> tuple[str, ...]:
        return ("culturebench", "server", "up", "--port", str(self.port))

    def ask(self, path: str, body: Any = None, method: str | None = None, password: str | None = "its own") -> Any:
        """A request to the server's API, POST when there is a body, with its password or another one, or none."""
        data = None if body is None else json.dumps(body).encode()
        url, headers = f"http://127.0.0.1:{self.port}/api/{path}", {"Content-Type": "application/json"}
        if password is not None:
            known = self.password if password == "its own" else password
            headers["Authorization"] = f"Basic {base64.b64encode(known.encode()).decode()}"
        request = urllib.request.Request(url, data, headers, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for _ in range(60):
            try:
                with opener.open(request, timeout=60) as answer:
                    text = answer.read()
                return json.loads(text) if text else None
            except urllib.error.HTTPError as error:
                if error.code != 503:  # its database is busy
                    raise
                time.sleep(1)
        raise AssertionError(f"{path}: the server's database stays busy")

    @property
    def deployment(self) -> str:
        """The id of the deployment reproduce/reproduce."""
        return self.ask("deployments/name/reproduce/reproduce")["id"]

    def start(self, **parameters: Any) -> str:
        """Start a run as the page does; returns its id."""
        return self.ask(f"deployments/{self.deployment}/create_flow_run", {"parameters": parameters})["id"]

    def state(self, run: str) -> str:
        """The type of the run's state."""
        return self.ask(f"flow_runs/{run}")["state"]["type"]

    def finish(self, run: str) -> str:
        """Wait for the run's end and for its last line, which comes later, and return the type of its state."""
        wait_until(lambda: self.state(run) in FINAL, f"the end of run {run}")
        ended = self.state(run)
        if ended in {"COMPLETED", "FAILED"}:  # a run that was stopped logs no end
            self.wait_for_line(run, "Finished in state")
        return ended

    def lines(self, run: str) -> list[str]:
        """What the run has logged."""
        found: list[str] = []
        while True:
            body = {
                "logs": {"flow_run_id": {"any_": [run]}},
                "sort": "TIMESTAMP_ASC",
                "offset": len(found),
                "limit": 200,
            }
            page = self.ask("logs/filter", body)
            if not page:
                return found
            found += [entry["message"] for entry in page]

    def wait_for_line(self, run: str, text: str) -> None:
        """Wait until the run logs a line that contains `text`."""
        wait_until(lambda: any(text in line for line in self.lines(run)), f"the line {text!r} of run {run}")

    def ran(self, run: str) -> list[str]:
        """The stages whose commands the run has started."""
        return [line.split("'")[1] for line in self.lines(run) if line.startswith("Running stage '")]

    def tasks(self, run: str) -> set[str]:
        """The names of the run's tasks, without Prefect's suffix."""
        body = {"task_runs": {"flow_run_id": {"any_": [run]}}}
        return {entry["name"].rsplit("-", 1)[0] for entry in self.ask("task_runs/filter", body)}

    def artifacts(self, run: str) -> dict[str, dict[str, Any]]:
        """The run's artifacts by key."""
        found = self.ask("artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run]}}})
        return {entry["key"]: entry for entry in found}

    def process(self, name: str) -> psutil.Process:
        """The server or the worker that `up` started."""
        entries = json.loads((self.workspace.root / ".prefect/started.json").read_text(encoding="utf-8"))
        return psutil.Process(next(entry["pid"] for entry in entries if entry["name"] == name))

    def note(self, name: str, number: int) -> None:
        """Let a process count as started by `up`."""
        entry = {"name": name, "pid": number, "created": psutil.Process(number).create_time()}
        (self.workspace.root / ".prefect/started.json").write_text(json.dumps([entry]), encoding="utf-8")

    def kill_the_worker(self) -> None:
        """As when its machine is gone: SIGKILL to it and to its runs; nobody tells the stages."""
        worker = self.process("worker")
        runs = [child for child in worker.children(recursive=True) if "prefect" in " ".join(child.cmdline())]
        for process in (worker, *runs):
            process.send_signal(signal.SIGKILL)
        psutil.wait_procs([worker], 30)

    def stages_at_work(self) -> list[str]:
        """Command lines of DVC and of stages in the workspace."""
        found: list[str] = []
        for process in psutil.process_iter(["cwd", "cmdline", "status"]):
            where, command = process.info["cwd"], " ".join(process.info["cmdline"] or ())
            if process.info["status"] != psutil.STATUS_ZOMBIE and where and Path(where) == self.workspace.root:
                found += [command] if " dvc " in command or "stages." in command else []
        return found


def give_password(page: Page, password: str) -> None:
    """Answer the question of Prefect's page, once it stands there."""
    wait_until(lambda: page.evaluate("!!document.querySelector('input[type=password]')"), "the question", 60)
    page.evaluate("document.querySelector('input[type=password]').focus()")
    page.call("Input.insertText", text=password)
    page.evaluate("document.querySelector('button[type=submit], form button').click()")
    wait_until(lambda: not page.evaluate("!!document.querySelector('input[type=password]')"), "the page behind it", 60)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Look twice a second until it holds."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.5)


def leftovers(root: Path, secret: str) -> list[str]:
    """Files below `root` that hold the secret."""
    found: list[str] = []
    for folder, _, names in os.walk(root):
        files = (Path(folder) / name for name in names)
        found += [str(file) for file in files if file.is_file() and secret.encode() in file.read_bytes()]
    return found
