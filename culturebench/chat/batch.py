"""Questions through the batch endpoint: one file goes there, one comes back within a day, for a lower price."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from openai import AsyncOpenAI

from culturebench.chat.kept import keep
from culturebench.chat.ledger import Ledger
from culturebench.chat.reply import ChatError, Failure, NoCompletion, Reply, blotted, read_completion
from culturebench.chat.request import ChatRequest
from culturebench.images.decode import Undecodable
from culturebench.params._endpoint import Endpoint
from culturebench.store import Store, key_of

_PATH = "/v1/chat/completions"
_ENDED = ("completed", "expired", "cancelled", "failed")
_FIRST_POLL, _LAST_POLL = 0.2, 30.0
_MAX_DETAIL = 300
#: The endpoint takes 200 MB in one file (https://platform.openai.com/docs/guides/batch).
MAX_BYTES = 100_000_000


@dataclass(frozen=True)
class Sent:
    """Batches with the keys of their questions, and the answers to questions that could not be sent."""

    batches: list[tuple[Any, list[str]]]
    answers: dict[str, Reply | Failure]


class Batches:
    """Sends questions as batches, and finds those of an earlier run again by a name that their questions decide."""

    def __init__(self, network: AsyncOpenAI, endpoint: Endpoint, store: Store, ledger: Ledger, key: str | None) -> None:
        self._network, self._endpoint, self._store, self._ledger, self._key = network, endpoint, store, ledger, key

    async def send(self, missing: Mapping[str, ChatRequest]) -> Sent:
        """Put the questions into batches, but those that are in one already."""
        known = {name: batch async for batch in self._network.batches.list() if (name := _name(batch))}
        sent: dict[str, list[str]] = {}
        for key in missing:
            name = (self._store.get(_name_key(key)) or b"").decode()
            sent.setdefault(name if name in known else "", []).append(key)
        fresh = {key: missing[key] for key in sent.pop("", []) if self._ledger.reserve(key, missing[key])}
        lines, answers = self._lines(fresh)
        for file in _files(lines):
            name = key_of({"kind": "batch", "questions": sorted(file)})
            # Before the batch exists: a run that is killed now finds it, or finds that it is not there.
            for key in file:
                self._store.put(_name_key(key), name.encode())
            known[name], sent[name] = await self._send(name, file), list(file)
        return Sent([(known[name], keys) for name, keys in sent.items()], answers)

    async def receive(self, sent: Sent, missing: Mapping[str, ChatRequest]) -> dict[str, Reply | Failure]:
        """An answer for every question; raises `ChatError` when the endpoint is not done by `batch_deadline`."""
        answers = dict(sent.answers)
        for batch, keys in sent.batches:
            answers |= await self._receive(batch, {key: missing[key] for key in keys})
        refused = Failure("cost_limit", "the next reply could exceed `max_cost`")
        return {key: answers.get(key, refused) for key in missing}

    def _lines(self, questions: Mapping[str, ChatRequest]) -> tuple[dict[str, str], dict[str, Reply | Failure]]:
        """The line of each question, and the failure of each whose picture cannot be read."""
        lines: dict[str, str] = {}
        failures: dict[str, Reply | Failure] = {}
        for key, request in questions.items():
            try:
                line = {"custom_id": key, "method": "POST", "url": _PATH, "body": request.body(self._endpoint)}
                lines[key] = json.dumps(line)
            except Undecodable as error:
                self._ledger.settle(key, request, None, unbilled=True)
                failures[key] = Failure("bad_picture", str(error))
        return lines, failures

    async def _send(self, name: str, lines: Mapping[str, str]) -> Any:
        content = "\n".join(lines.values()).encode()
        file = await self._network.files.create(file=("batch.jsonl", content), purpose="batch")
        return await self._network.batches.create(
            input_file_id=file.id, endpoint=_PATH, completion_window="24h", metadata={"questions": name}
        )

    async def _receive(self, batch: Any, questions: Mapping[str, ChatRequest]) -> dict[str, Reply | Failure]:
        end, pause = time.monotonic() + self._endpoint.batch_deadline, _FIRST_POLL
        while batch.status not in _ENDED:
            if time.monotonic() + pause > end:
                raise ChatError(f"the batch is still {batch.status}; run again later, nothing is sent twice")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LAST_POLL)
            batch = await self._network.batches.retrieve(batch.id)
        answers: dict[str, Reply | Failure] = {}
        for file in (batch.output_file_id, batch.error_file_id):
            if file:
                content = await self._network.files.content(file)
                # By bytes: `str.splitlines` also cuts at U+2028 and U+0085, which may stand in a text of JSON.
                lines = (line for line in content.content.split(b"\n") if line.strip())
                answers |= dict(self._read(line, questions) for line in lines)
        lost = Failure("timeout", f"the batch ended as {batch.status}")
        result = {key: answers.get(key, lost) for key in questions}
        for key, answer in result.items():
            reply = answer if isinstance(answer, Reply) else None
            if reply:
                keep(self._store, questions[key], self._endpoint, reply)
            else:
                self._store.put(_name_key(key), b"")  # a later run asks anew
            self._ledger.settle(key, questions[key], reply, unbilled=_unbilled(answer))
        return result

    def _read(self, line: bytes, questions: Mapping[str, ChatRequest]) -> tuple[str, Reply | Failure]:
        """Key and answer of one line of a batch's output."""
        key = ""
        try:
            row = json.loads(line)
            key, response = str(row["custom_id"]), row["response"] or {}
            if response.get("status_code") != 200:
                told = json.dumps(response.get("body") or row.get("error"))
                return key, Failure("refused_request", blotted(told, self._key)[:_MAX_DETAIL])
            limits = questions[key].max_tokens(self._endpoint), self._endpoint.max_completion_tokens
            return key, read_completion(json.dumps(response["body"]), limits, self._key)
        except NoCompletion as error:
            return key, Failure("broken_reply", str(error))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return "", Failure("broken_reply", "a line of the batch's output is no answer")


def _unbilled(answer: Reply | Failure) -> bool:
    """Whether nothing was paid: the endpoint refused the question, or the batch ended before it."""
    return isinstance(answer, Failure) and answer.reason != "broken_reply"


def _files(lines: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The lines in files that the endpoint takes."""
    file: dict[str, str] = {}
    size = 0
    for key, line in lines.items():
        if file and size + len(line) > MAX_BYTES:
            yield file
            file, size = {}, 0
        file[key] = line
        size += len(line)
    if file:
        yield file


def _name(batch: Any) -> str:
    """The name that we gave it, "" when it is not ours or can have no answers."""
    return "" if batch.status in ("failed", "cancelled") else str((batch.metadata or {}).get("questions", ""))


def _name_key(key: str) -> str:
    return key_of({"kind": "batch of a chat request", "key": key})
