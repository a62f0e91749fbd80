"""Declares the automations of `automations.yaml` on the Prefect server: `python -m flows.automations`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import yaml
from prefect.automations import Automation
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError

FILE = Path(__file__).with_name("automations.yaml")


def declare() -> list[str]:
    """Bring the server's automations of the same names to what the file says; returns one sentence for each.

    Messages need a notification block; without one they are left out, and the last sentence says how to make it.
    """
    document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    name, messages = document["notifications"]["block"], document["notifications"]["messages"]
    block = _block(name)
    wanted = [*document["automations"], *([_message(entry, block) for entry in messages] if block else ())]
    for entry in wanted:
        _declare(Automation.model_validate(entry))
    found = [f"Declared: {entry['name']}." for entry in wanted]
    return found if block else [*found, _HOW.format(name=name)]


_HOW = (
    "Nobody is told of anything: make a block that sends messages (Slack, e-mail, a webhook of yours; on Prefect's "
    "page under Blocks), call it {name}, and run `python -m flows.automations` again."
)


def _declare(automation: Automation) -> None:
    try:
        there = cast(Automation, Automation.read(name=automation.name))
    except ValueError:
        automation.create()
        return
    # An update makes the server forget which heartbeats it is waiting for.
    if _content(there) != _content(automation):
        automation.id = there.id
        automation.update()


def _message(entry: dict[str, Any], block: UUID) -> dict[str, Any]:
    texts = {name: entry[name] for name in ("subject", "body")}
    action = {"type": "send-notification", "block_document_id": block, **texts}
    return {"name": entry["name"], "trigger": entry["trigger"], "actions": [action]}


def _block(name: str) -> UUID | None:
    """The block of that name that can send messages."""
    with get_client(sync_client=True) as client:
        for document in client.read_block_documents(include_secrets=False):
            schema = document.block_schema
            if document.name == name and schema is not None and "notify" in schema.capabilities:
                return document.id
    return None


def _content(automation: Automation) -> dict[str, Any]:
    kept = automation.model_dump(mode="json", exclude={"id": True, "owner_resource": True, "trigger": {"id"}})
    kept["trigger"]["expect"] = sorted(kept["trigger"].get("expect") or ())
    return kept


def main() -> None:
    """Declare them and say so; one message for who lacks the server's password."""
    try:
        print("\n".join(declare()))
    except PrefectHTTPStatusError as error:
        if error.response.status_code != 401:
            raise
        sys.exit(
            "the Prefect server asks for a password: set PREFECT_API_AUTH_STRING; "
            "for the one of this machine `culturebench server up` prints the line that does"
        )


if __name__ == "__main__":
    main()
