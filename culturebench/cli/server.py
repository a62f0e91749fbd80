"""`culturebench server`: a Prefect server and a worker on this machine, for those who have none."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from culturebench.cli import _prefect_environment as environment
from culturebench.cli._clone import PipelineCommand
from culturebench.cli._prefect_secret import NAME, password, private_home
from culturebench.cli._shared import ROOT, console, say
from culturebench.errors import CultureBenchError

if TYPE_CHECKING:
    import psutil

app = typer.Typer(help="A Prefect server and a worker on this machine, to run flows.", no_args_is_help=True)

#: The server's database, its logs, and which processes were started.
HOME = Path(".prefect")
STARTED = HOME / "started.json"
POOL = "local"
#: What a run may choose of its job: neither a command nor its environment.
TEMPLATE = ("--base-job-template", "deploy/local-pool.json")
HOST = "127.0.0.1"
PATIENCE = 120.0  # seconds for the server to answer
GRACE = 15.0  # seconds for a process to end by itself


class LocalPrefectError(CultureBenchError):
    """The local server or worker cannot be started."""


@app.command(cls=PipelineCommand)
def up(
    port: Annotated[int, typer.Option(help="Of the server and its pages.")] = 4200,
    give: Annotated[
        list[str] | None, typer.Option(help="One more variable of your environment that flows get; may be repeated.")
    ] = None,
) -> None:
    """Start a local Prefect server and a worker, and deploy the flows of prefect.yaml; whichever runs already stays."""
    from culturebench.params import load_document

    running = {name for name, _ in _started(ROOT)}
    root, person = ROOT.resolve(), dict(os.environ)
    home = private_home(root / HOME)
    url = f"http://{HOST}:{port}/api"
    told = environment.own(person, home, root, url, password(home))
    of_worker = environment.worker(person, told, load_document(ROOT / "params.yaml"), give or ())
    try:
        if "server" not in running:
            _refuse_a_taken_port(port)
            of_server = environment.server(person, told, port)
            _start(ROOT, "server", ["server", "start", "--host", HOST, "--port", str(port)], of_server)
        _wait_for(ROOT, url)
        _refuse_an_open_server(url)
        _deploy(of_worker)
        if "worker" not in running:
            _start(ROOT, "worker", ["worker", "start", "--pool", POOL, "--type", "process"], of_worker)
    except BaseException:
        stop(ROOT, except_for=running)
        raise
    _say_where(root, home / NAME, url, environment.set_aside(person, told))


def _say_where(root: Path, secret: Path, url: str, set_aside: Sequence[str]) -> None:
    """Where the server is and how to ask it; the password itself is never printed."""
    say(f"Prefect is at {url.removesuffix('/api')}, its worker in {root}; `culturebench server down` ends both.")
    say(f"Its page asks for a password: the text of {secret}, which only you can read.")
    if set_aside:
        say(f"Of your environment {', '.join(set_aside)} is for another server, and is not used for this one.")
    say("Tell other commands where it is:")
    say(f"  export PREFECT_API_URL={url}")
    say(f'  export PREFECT_API_AUTH_STRING="$(cat {shlex.quote(str(secret))})"')


@app.command(cls=PipelineCommand)
def down() -> None:
    """End the server and the worker that `up` started here, and what they are running."""
    ended = stop(ROOT)
    console.print(
        f"Ended: {', '.join(ended)}." if ended else "Nothing that `culturebench server up` started is running here."
    )


def stop(root: Path, except_for: Collection[str] = ()) -> list[str]:
    """End what `up` started in `root`, the worker first; returns the names of what still ran."""
    ended: list[str] = []
    for name, process in reversed(list(_started(root))):
        if name not in except_for:
            _end(process)
            ended.append(name)
    if not except_for:
        (root / STARTED).unlink(missing_ok=True)
    return ended


def _started(root: Path) -> Iterator[tuple[str, psutil.Process]]:
    """What `up` started and still runs; a process that has got the same number since is another one."""
    import psutil

    path = root / STARTED
    for entry in json.loads(path.read_text(encoding="utf-8")) if path.exists() else ():
        try:
            process = psutil.Process(entry["pid"])
            same = process.create_time() == entry["created"] and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            continue
        if same:
            yield entry["name"], process


def _start(root: Path, name: str, arguments: Sequence[str], variables: Mapping[str, str]) -> None:
    import psutil

    log = root / HOME / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            cwd=root,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # it stays when this command ends
        )
    path = root / STARTED
    entries: list[Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    entries = [entry for entry in entries if entry["name"] != name]
    created = psutil.Process(process.pid).create_time()
    path.write_text(json.dumps([*entries, {"name": name, "pid": process.pid, "created": created}]), encoding="utf-8")


def _end(process: psutil.Process) -> None:
    """SIGTERM to the process, so that a worker can end its runs; SIGKILL to whatever of its tree is left."""
    import psutil

    family = [process, *process.children(recursive=True)]
    process.terminate()
    psutil.wait_procs([process], GRACE)
    for member in family:
        if member.is_running():
            member.send_signal(signal.SIGKILL)
    psutil.wait_procs(family, GRACE)


def _deploy(variables: Mapping[str, str]) -> None:
    for module, *arguments in (
        ("prefect", "--no-prompt", "work-pool", "create", POOL, "--type", "process", "--overwrite", *TEMPLATE),
        ("prefect", "--no-prompt", "deploy", "--all"),
        ("flows.automations",),
    ):
        command = [sys.executable, "-m", module, *arguments]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise LocalPrefectError(f"`{' '.join(command[2:])}` failed:\n{done.stdout.strip()}")


def _refuse_a_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise LocalPrefectError(
                f"port {port} is taken, perhaps by a Prefect server that you can use; "
                "or choose another one: culturebench server up --port 4201"
            ) from None


def _refuse_an_open_server(url: str) -> None:
    """One that an older version started, or somebody else's: it would run commands for every page that is open here."""
    try:
        with _opener().open(f"{url}/admin/version", timeout=30):
            pass
    except urllib.error.HTTPError as error:
        if error.code == 401:
            return
        raise LocalPrefectError(f"{url} answers {error.code} to who has no password, and not 401") from None
    raise LocalPrefectError(
        f"the server at {url} answers everybody who asks, pages in your browser as well: end it "
        "(`culturebench server down` if `up` started it), and run `culturebench server up` again"
    )


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _wait_for(root: Path, url: str) -> None:
    opener = _opener()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            with opener.open(f"{url}/health", timeout=5):
                return
        except OSError:
            if not list(_started(root)):
                break
            time.sleep(0.3)
    log = root / HOME / "server.log"
    raise LocalPrefectError(f"the server does not answer; the end of {log}:\n{log.read_text()[-2000:]}")
