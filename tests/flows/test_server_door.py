"""Who may ask the local Prefect server: nobody without its password, from no page, and nobody gives it commands."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from chromium import browse
from loopback import Request, Server
from prefect_api import Deployed, free_port, give_password, wait_until
from workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("server")]

#: A person's environment: a key that params.yaml names, one that it does not, and settings for other servers.
PERSON = {
    "OPENAI_API_KEY": f"sk-{secrets.token_hex(16)}",
    "BANK_PASSWORD": secrets.token_hex(16),
    "PREFECT_SERVER_API_AUTH_STRING": secrets.token_hex(16),
    "PREFECT_PROFILE": "work",
    "PREFECT_API_KEY": f"pnu_{secrets.token_hex(16)}",
}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    found = Deployed(Workspace.fresh(tmp_path_factory.mktemp("door")), free_port(), PERSON)
    found.up()
    try:
        yield found
    finally:
        found.command("culturebench", "server", "down")


def runs(deployed: Deployed) -> int:
    """How many runs the server knows that no schedule made."""
    return sum(not run["auto_scheduled"] for run in deployed.ask("flow_runs/filter", {"limit": 200}))


def order(marker: Path) -> dict[str, Any]:
    """A run whose job would write a file."""
    return {"parameters": {}, "job_variables": {"command": f"touch {marker}", "env": {"A": "b"}}}


PAGE = """<!doctype html><title>Kittens</title><script>
const ask = (path, options) =>
  fetch(API + path, {method: "POST", ...options}).then(answer => answer.status, () => "unreadable");
const socket = path => new Promise(done => {
  const found = new WebSocket(API.replace("http", "ws") + path, "prefect");
  found.onopen = () => found.send(JSON.stringify({type: "auth", token: null}));
  found.onmessage = message => done(message.data);
  found.onclose = event => done(event.code);
  found.onerror = () => done("refused");
});
const attack = async () => ({
  json: await ask(RUN, {headers: {"Content-Type": "application/json"}, body: JSON.stringify(ORDER)}),
  blind: await ask(RUN, {mode: "no-cors", body: new Blob([JSON.stringify(ORDER)])}),
  plain: await ask(RUN, {headers: {"Content-Type": "text/plain"}, body: JSON.stringify(ORDER)}),
  read: await ask("/flows/filter", {headers: {"Content-Type": "application/json"}, body: "{}"}),
  events: await socket("/events/in"),
});
</script>"""


def test_a_page_of_another_origin_can_neither_start_a_run_nor_read(deployed: Deployed, tmp_path: Path) -> None:
    marker, before = tmp_path / "marker", runs(deployed)
    values = {
        "API": f"http://127.0.0.1:{deployed.port}/api",
        "RUN": f"/deployments/{deployed.deployment}/create_flow_run",  # more than a stranger's page would know
        "ORDER": order(marker),
    }
    head = "".join(f"<script>const {name} = {json.dumps(value)};</script>" for name, value in values.items())

    def answer(_: str, request: Request) -> None:
        request.send((head + PAGE).encode(), headers={"Content-Type": "text/html"})

    with Server(answer) as stranger, browse(tmp_path / "profile") as page:
        page.open(f"{stranger.url}/")
        said = page.evaluate("attack()")
    assert {said[way] for way in ("json", "plain", "read")} == {"unreadable"}
    assert said["events"] in (1008, "refused")
    assert runs(deployed) == before
    assert not marker.exists()


PLACES = (
    "deployments/{id}/create_flow_run",
    "flows/filter",
    "block_documents/filter",
    "admin/database/clear",
    "events",
)


@pytest.mark.parametrize(
    "password",
    [None, "", "admin:pass", PERSON["PREFECT_SERVER_API_AUTH_STRING"]],
    ids=["none", "empty", "guessed", "of another server"],
)
def test_without_the_password_nothing_is_answered_but_that_the_server_lives(
    deployed: Deployed, tmp_path: Path, password: str | None
) -> None:
    before, name = runs(deployed), deployed.deployment
    for place in PLACES:
        with pytest.raises(urllib.error.HTTPError) as refused:
            deployed.ask(place.format(id=name), order(tmp_path / "marker"), password=password)
        assert refused.value.code == 401, place
    assert deployed.ask("health", password=password) is True
    assert runs(deployed) == before


@pytest.mark.parametrize("place", ["events/in", "events/out", "logs/out", "work_pools/local/workers/connect"])
def test_no_stream_opens_without_the_password(deployed: Deployed, place: str) -> None:
    url: Any = f"ws://127.0.0.1:{deployed.port}/api/{place}"
    with connect(url, subprotocols=["prefect"], proxy=None) as socket:  # pyright: ignore[reportArgumentType]
        socket.send(json.dumps({"type": "auth", "token": "guessed"}))
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=30)


def test_the_password_lies_where_only_its_owner_reads_and_in_no_output(deployed: Deployed) -> None:
    home = deployed.workspace.root / ".prefect"
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "auth-string").stat().st_mode & 0o777 == 0o600
    assert len(deployed.password) >= 32
    said = deployed.up()
    assert deployed.password not in said
    assert str(home / "auth-string") in said
    assert "PREFECT_SERVER_API_AUTH_STRING" in said, "it says that the inherited one is not used"
    for name in ("server", "worker"):
        assert deployed.password not in " ".join(deployed.process(name).cmdline())


def test_the_lines_that_up_prints_are_all_that_prefects_own_commands_need(deployed: Deployed, tmp_path: Path) -> None:
    lines = [line.strip() for line in deployed.up().splitlines() if line.strip().startswith("export ")]
    script = "\n".join([*lines, "prefect deployment run reproduce/reproduce --param 'targets=[\"nothing\"]'"])
    done = subprocess.run(
        ["sh", "-ec", script], cwd=tmp_path, env=deployed.person, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Created flow run" in done.stdout


def test_who_lacks_the_password_is_told_where_it_is(deployed: Deployed) -> None:
    told = {"PREFECT_API_URL": f"http://127.0.0.1:{deployed.port}/api", "PREFECT_API_AUTH_STRING": "guessed"}
    done = subprocess.run(
        [sys.executable, "-m", "flows.automations"],
        cwd=deployed.workspace.root, env={**deployed.person, **told}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "culturebench server up" in done.stderr and "Traceback" not in done.stderr


def test_a_run_can_be_given_no_command_and_no_environment_even_with_the_password(
    deployed: Deployed, tmp_path: Path
) -> None:
    for variables in ({"command": "true"}, {"env": {"A": "b"}}, {"env.A": "b"}, {"working_dir": "/tmp"}):
        with pytest.raises(urllib.error.HTTPError) as refused:
            deployed.ask(f"deployments/{deployed.deployment}/create_flow_run", {"job_variables": variables})
        assert refused.value.code in (409, 422), variables


def test_processes_get_what_flows_need_of_the_environment_and_nothing_else(deployed: Deployed) -> None:
    server, worker = (deployed.process(name).environ() for name in ("server", "worker"))
    assert worker["OPENAI_API_KEY"] == PERSON["OPENAI_API_KEY"]
    assert worker["CULTUREBENCH_STORE"] == str(deployed.workspace.store)
    assert worker["PREFECT_API_AUTH_STRING"] == deployed.password
    for name in ("BANK_PASSWORD", "PREFECT_SERVER_API_AUTH_STRING", "PREFECT_PROFILE", "PREFECT_API_KEY"):
        assert name not in worker
    assert "OPENAI_API_KEY" not in server and "BANK_PASSWORD" not in server
    assert server["PREFECT_SERVER_API_AUTH_STRING"] == deployed.password
    assert {"PATH", "HOME"} <= server.keys() & worker.keys()


def test_a_person_gives_the_page_the_password_and_sees_the_flows(deployed: Deployed, tmp_path: Path) -> None:
    with browse(tmp_path) as page:
        page.open(f"http://127.0.0.1:{deployed.port}/deployments")
        give_password(page, deployed.password)
        wait_until(lambda: "extend_region" in page.evaluate("document.body.innerText"), "the deployments", 60)


def test_a_server_that_answers_everybody_is_not_used(deployed: Deployed, tmp_path: Path) -> None:
    """What an older `server up` started, or somebody else."""
    other = Deployed(deployed.workspace.copy(tmp_path), free_port(), {})
    started = other.workspace.root / ".prefect/started.json"
    started.unlink()
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path / "home"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(other.port)]
    process = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        other.note("server", process.pid)
        done = other.try_up()
        assert done.returncode == 1
        assert "answers everybody" in done.stderr and "server down" in done.stderr
    finally:
        process.kill()
        process.wait()
