"""The flow on a real Prefect server with a real worker: to the end, twice at once, cancelled, killed, restarted."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus
from uuid import uuid4

import pytest

from chromium import browse
from flows.reprobe import DRIFT
from flows.sync_annotations import QUOTA_MET
from flows.workspace import only_writer
from loopback import Server
from prefect_api import Deployed, free_port, give_password, leftovers, wait_until
from workspace import Params, Workspace

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("server")]

# Made anew, so that no file of the project holds them.
KEY, PASSWORD = f"sk-{secrets.token_hex(16)}", secrets.token_hex(16)
SECRETS = {
    "CULTUREBENCH_IMAGE": "registry.example/culturebench",
    "OPENAI_API_KEY": KEY,
    "CULTUREBENCH_MODEL_URL": f"http://me:{PASSWORD}@127.0.0.1:1/",
}
PRINTS_SECRETS = (
    'import os\nprint("asking with", os.environ["OPENAI_API_KEY"], os.environ["CULTUREBENCH_MODEL_URL"], flush=True)\n'
)
FUTURE = "from __future__ import annotations\n"
ENDLESS = 10_000_000  # steps


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """A shrunken project in which nothing has run; a stage of it logs secrets."""
    workspace = Workspace.fresh(tmp_path_factory.mktemp("server"))
    workspace.edit("stages/evaluate.py", lambda text: text.replace(FUTURE, FUTURE + PRINTS_SECRETS, 1))
    workspace.edit_params(lambda params: params["judges"].pop("atlas_vit"))
    found = Deployed(workspace, free_port(), SECRETS)
    found.up()
    try:
        yield found
    finally:
        found.command("culturebench", "server", "down")


def sae_steps(steps: int) -> Callable[[Params], None]:
    def change(params: Params) -> None:
        params["train_sae"]["encoders"]["atlas"]["steps"] = steps

    return change


@pytest.fixture(scope="module")
def first(deployed: Deployed) -> str:
    """The run that brings everything up to date."""
    run = deployed.start()
    state = deployed.finish(run)
    assert state == "COMPLETED", "\n".join(deployed.lines(run)[-30:])
    return run


def test_a_run_brings_everything_up_to_date_with_a_task_for_each_group(deployed: Deployed, first: str) -> None:
    pipeline = deployed.workspace.look()
    assert pipeline.stale == {}
    ran = deployed.ran(first)
    assert sorted(ran) == sorted(pipeline.stages)
    assert deployed.tasks(first) == {stage.group for stage in pipeline.stages.values()}


def test_a_run_leaves_tables_pictures_plots_and_the_reports_place(deployed: Deployed, first: str) -> None:
    found = deployed.artifacts(first)
    assert set(found) == {"stages", "metrics", "report", "pictures-atlas", "plots-atlas"}
    table = json.loads(found["stages"]["data"])
    assert {row["outcome"] for row in table} == {"ran"}
    assert len(table) == len(deployed.workspace.look().stages)
    conditions = {row["condition"] for row in json.loads(found["metrics"]["data"])}
    assert {"noun", "cultural", "amplified", "enhanced"} <= conditions
    assert f"{deployed.workspace.root}/reports/index.html" in found["report"]["data"]


def test_a_person_sees_the_run_and_its_pictures_in_the_browser(deployed: Deployed, first: str, tmp_path: Path) -> None:
    home = f"http://127.0.0.1:{deployed.port}"
    picture = deployed.artifacts(first)["pictures-atlas"]["id"]
    with browse(tmp_path) as page:
        page.resize(1400, 1000)
        page.open(home)
        give_password(page, deployed.password)
        page.open(f"{home}/runs/flow-run/{first}")
        wait_until(lambda: "Completed" in page.evaluate("document.body.innerText"), "the page of the run", 60)
        page.open(f"{home}/artifacts/artifact/{picture}")
        widths = "[...document.images].map(image => image.naturalWidth)"
        wait_until(lambda: any(width > 300 for width in page.evaluate(widths)), "the grid of pictures", 60)


def test_a_run_in_which_nothing_is_stale_starts_no_task(deployed: Deployed, first: str) -> None:
    said = deployed.command("prefect", "deployment", "run", "reproduce/reproduce", "--watch")
    (run,) = re.findall(r"UUID: (\S+)", said)
    assert deployed.state(run) == "COMPLETED"
    assert deployed.tasks(run) == set()
    assert {row["outcome"] for row in json.loads(deployed.artifacts(run)["stages"]["data"])} == {"cached"}


def test_runs_at_once_wait_for_each_other_and_no_stage_runs_twice(deployed: Deployed, first: str) -> None:
    deployed.workspace.edit_params(lambda params: params["evaluate"].update(resamples=210))
    with only_writer(deployed.workspace.root, print):  # until both have come
        runs = [deployed.start(), deployed.start()]
        for run in runs:
            deployed.wait_for_line(run, "this one waits")
    assert [deployed.finish(run) for run in runs] == ["COMPLETED", "COMPLETED"]
    assert sorted(name for run in runs for name in deployed.ran(run)) == ["compare_english@atlas", "evaluate", "report"]


def test_a_stage_that_fails_fails_the_run_and_its_table_says_which(deployed: Deployed, first: str) -> None:
    before = (deployed.workspace.root / "stages/report.py").read_text(encoding="utf-8")
    failing = FUTURE + "raise SystemExit('no ink')\n"
    deployed.workspace.edit("stages/report.py", lambda text: text.replace(FUTURE, failing, 1))
    run = deployed.start()
    ended = deployed.finish(run)
    (deployed.workspace.root / "stages/report.py").write_text(before, encoding="utf-8")
    assert ended == "FAILED"
    outcomes = {row["stage"]: row["outcome"] for row in json.loads(deployed.artifacts(run)["stages"]["data"])}
    assert [stage for stage, outcome in outcomes.items() if outcome != "cached"] == ["report"]
    assert outcomes["report"] == "failed"
    assert any("no ink" in line for line in deployed.lines(run))


def test_overrides_run_as_an_experiment_and_what_does_not_fit_is_refused(deployed: Deployed, first: str) -> None:
    deployed.workspace.commit()
    before = (deployed.workspace.root / "params.yaml").read_bytes()
    run = deployed.start(overrides={"evaluate.resamples": 220}, targets=["evaluate"])
    wrong = deployed.start(overrides={"evaluate.resamples": -1})
    state = deployed.finish(run)
    assert state == "COMPLETED", "\n".join(deployed.lines(run)[-30:])
    assert deployed.ran(run) == ["evaluate"]
    assert (deployed.workspace.root / "params.yaml").read_bytes() == before
    listed = ["git", "for-each-ref", "refs/exps"]
    assert b"refs/exps/" in subprocess.run(listed, cwd=deployed.workspace.root, check=True, capture_output=True).stdout
    assert deployed.finish(wrong) == "FAILED"
    assert deployed.ran(wrong) == []
    assert any("evaluate.resamples" in line and "-1" in line for line in deployed.lines(wrong))


def test_a_run_that_is_cancelled_leaves_no_process_and_the_next_one_succeeds(deployed: Deployed, first: str) -> None:
    deployed.workspace.edit_params(sae_steps(ENDLESS))
    run = deployed.start(targets=["train_sae"])
    deployed.wait_for_line(run, "Running stage 'train_sae@atlas'")
    assert deployed.stages_at_work()
    deployed.ask(f"flow_runs/{run}/set_state", {"state": {"type": "CANCELLING", "name": "Cancelling"}})
    assert deployed.finish(run) == "CANCELLED"
    wait_until(lambda: not deployed.stages_at_work(), "the end of the stage", 60)
    deployed.workspace.edit_params(sae_steps(60))
    following = deployed.start()
    assert deployed.finish(following) == "COMPLETED"
    assert deployed.workspace.look().stale == {}


def test_a_run_goes_on_while_the_server_is_restarted(deployed: Deployed, first: str) -> None:
    deployed.workspace.edit_params(sae_steps(3000))
    run = deployed.start(targets=["train_sae"])
    deployed.wait_for_line(run, "Running stage 'train_sae@atlas'")
    server = deployed.process("server")
    server.kill()
    server.wait(30)
    deployed.up()
    state = deployed.finish(run)
    assert state == "COMPLETED", "\n".join(deployed.lines(run)[-30:])
    deployed.workspace.edit_params(sae_steps(60))


def test_after_a_killed_worker_a_scheduled_run_goes_on_and_the_dead_one_counts_as_crashed(
    deployed: Deployed, first: str
) -> None:
    deployed.workspace.edit_params(lambda params: params["probe_layers"].update(resamples=210))
    deployed.workspace.edit_params(sae_steps(ENDLESS))
    run = deployed.start()
    deployed.wait_for_line(run, "Running stage 'train_sae@atlas'")
    deployed.kill_the_worker()
    wait_until(lambda: not deployed.stages_at_work(), "the end of the stage", 60)
    deployed.workspace.edit_params(sae_steps(60))
    deployed.up()
    path = f"deployments/{deployed.deployment}/schedules"
    (schedule,) = deployed.ask(path, [{"schedule": {"cron": "* * * * *"}, "active": True}])
    body = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}

    def fired() -> list[str]:
        return [entry["id"] for entry in deployed.ask("flow_runs/filter", body) if entry["auto_scheduled"]]

    wait_until(lambda: bool(fired()), "a run of the schedule")
    deployed.ask(f"{path}/{schedule['id']}", method="DELETE")
    assert "probe_layers@atlas" in deployed.ran(run)
    assert not any("probe_layers@atlas" in deployed.ran(found) for found in fired())
    assert deployed.workspace.look().stale == {}
    assert deployed.finish(run) == "CRASHED"


#: A webhook that hands on what a message says.
BLOCK = """
import sys
from prefect.blocks.notifications import CustomWebhookNotificationBlock as Webhook
Webhook(name="hook", url=sys.argv[1], method="GET", params={"text": "{{subject}} | {{body}}"}).save("culturebench")
"""


def test_who_makes_a_block_for_it_is_told_of_failures_revisions_and_quotas(deployed: Deployed) -> None:
    assert "call it culturebench" in deployed.command("python", "-m", "flows.automations")
    with Server(lambda _, request: request.send_json({})) as hook:
        deployed.command("python", "-c", BLOCK, f"{hook.url}/told")
        assert "call it culturebench" not in deployed.command("python", "-m", "flows.automations")
        run = deployed.start(overrides={"evaluate.resamples": -98765})
        assert deployed.finish(run) == "FAILED"
        drift = {"pin": "encoder", "regions_moved": ["jp", "nl"], "layers_moved": []}
        quota = {"region": "ua", "kept": 31, "quota": 30}
        deployed.ask("events", [event(DRIFT, drift), event(QUOTA_MET, quota)])
        name = deployed.ask(f"flow_runs/{run}")["name"]
        wanted = (
            f"reproduce: Failed | The run {name} ",
            "moved: jp, nl; encoders whose layer moved: none",
            "31 pictures of ua are kept",
        )

        def told() -> list[str]:
            return [unquote_plus(path) for path in hook.asked]

        wait_until(lambda: all(any(text in said for said in told()) for text in wanted), "three messages", 120)
        # Runs of other tests may end while this one listens, and a message may come twice; none may come of success.
        assert not any("Completed" in said for said in told())
        assert not any("98765" in said for said in told())


def event(name: str, payload: dict[str, Any]) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    resource = {"prefect.resource.id": "culturebench.test"}
    return {"id": str(uuid4()), "occurred": now, "event": name, "resource": resource, "payload": payload}


def test_no_secret_is_left_behind_and_down_ends_exactly_what_up_started(deployed: Deployed, first: str) -> None:
    assert any(line.startswith("evaluate: asking with ***") for line in deployed.lines(first))
    deployed.up()
    processes = [deployed.process(name) for name in ("server", "worker")]
    said = deployed.command("culturebench", "server", "down")
    assert re.search(r"Ended: worker, server\.", said)
    assert not any(process.is_running() for process in processes)
    assert "Nothing" in deployed.command("culturebench", "server", "down")
    for secret in (KEY, PASSWORD):
        assert leftovers(deployed.workspace.root.parent, secret) == []
    assert leftovers(deployed.workspace.root.parent, deployed.password) == [
        str(deployed.workspace.root / ".prefect/auth-string")
    ]


def test_the_files_for_other_pools_are_taken_by_a_server(deployed: Deployed) -> None:
    deployed.up()
    for kind in ("docker", "kubernetes"):
        template = ("--base-job-template", f"deploy/{kind}-pool.json")
        deployed.command("prefect", "--no-prompt", "work-pool", "create", kind, "--type", kind, *template)
        deployed.command("prefect", "--no-prompt", "deploy", "--all", "--prefect-file", f"deploy/prefect-{kind}.yaml")
        found = deployed.ask(f"deployments/name/reproduce/reproduce-{kind}")
        assert found["work_pool_name"] == kind
    assert found["job_variables"]["image"] == "registry.example/culturebench"
