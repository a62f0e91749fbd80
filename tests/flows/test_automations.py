"""What the declared automations listen for is what the flows say."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import jinja2
import pytest
import yaml
from jinja2 import meta
from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import EventTrigger

from flows.automations import FILE
from flows.reprobe import DRIFT
from flows.sync_annotations import QUOTA_MET
from import_graph import ROOT

DECLARED = yaml.safe_load(FILE.read_text(encoding="utf-8"))
MESSAGES = DECLARED["notifications"]["messages"]
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
DEPLOYED = {entry["name"] for entry in DEPLOYMENTS}


def test_every_flow_that_is_deployed_is_reported_when_it_fails() -> None:
    (failure,) = [entry for entry in MESSAGES if "match_related" in entry["trigger"]]
    assert set(failure["trigger"]["match_related"]["prefect.resource.name"]) == DEPLOYED


def test_messages_wait_for_the_events_that_flows_emit() -> None:
    ours = {name for entry in MESSAGES for name in entry["trigger"]["expect"] if name.startswith("culturebench.")}
    assert ours == {DRIFT, QUOTA_MET}


@pytest.mark.parametrize("entry", MESSAGES, ids=lambda entry: entry["name"])
def test_a_message_is_one_that_prefect_can_send(entry: dict[str, Any]) -> None:
    assert EventTrigger.model_validate(entry["trigger"]).threshold == 1
    SendNotification(block_document_id=uuid4(), subject=entry["subject"], body=entry["body"])
    parsed = jinja2.Environment().parse(entry["subject"] + entry["body"].replace("|ui_url", ""))
    assert meta.find_undeclared_variables(parsed) <= {"event", "flow", "flow_run"}


def test_text_encoders_are_looked_at_weekly_and_the_pipeline_nightly() -> None:
    crons = {entry["name"]: [s["cron"] for s in entry.get("schedules", ())] for entry in DEPLOYMENTS}
    assert crons["reprobe"] == ["0 5 * * 1"]
    assert crons["reproduce"] == ["0 3 * * *"]
