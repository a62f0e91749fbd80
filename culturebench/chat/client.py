"""Many questions to one endpoint: what was answered before is kept, the rest is asked within the bounds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from typing import Any

import openai
from openai import AsyncOpenAI

from culturebench.chat.batch import Batches
from culturebench.chat.calls import Deadline, Lost, network_client, one_try, told
from culturebench.chat.kept import keep, kept
from culturebench.chat.ledger import Ledger
from culturebench.chat.reply import ChatError, Failure, Reply
from culturebench.chat.request import ChatRequest
from culturebench.chat.turn import turn
from culturebench.images.decode import Undecodable
from culturebench.params._endpoint import Endpoint
from culturebench.progress import progress
from culturebench.store import Store

#: After as many answers in a row that the account is empty, no more questions are sent.
_QUOTA_ERRORS = 3
_COST_LIMIT = Failure("cost_limit", "the next reply could exceed `max_cost`")
_NO_QUOTA = Failure("no_quota", "not sent: the endpoint said before that the account's quota is used up")
#: Questions made ready beside those under way, so that a fast server need not wait for pictures to be scaled.
_READY = 32


class ChatClient:
    """Asks an endpoint; a reply is kept the moment it is received and never asked for again."""

    def __init__(self, endpoint: Endpoint, store: Store, key: str | None) -> None:
        """`key` is the value of `endpoint.key_variable`, None when it is not set; it is needed only for new replies."""
        self._endpoint, self._store, self._key = endpoint, store, key
        self._quota_errors = 0
        self._open: dict[str, ChatRequest] = {}  # questions without a reply so far
        self.ledger = Ledger(endpoint, store)

    def cached(self, requests: Sequence[ChatRequest]) -> list[Reply | None]:
        """The replies that the store has, entered in the ledger; None where there is none."""
        return [self._look_up(request.key(self._endpoint), request) for request in requests]

    def ask_all(self, requests: Sequence[ChatRequest], label: str = "") -> list[Reply | Failure]:
        """A reply or the reason for none, in the order of `requests`; equal questions are asked once.

        Raises `ChatError` when the endpoint cannot be used at all; what was received before is kept.
        """
        keys = [request.key(self._endpoint) for request in requests]
        answers: dict[str, Reply | Failure] = {}
        missing: dict[str, ChatRequest] = {}
        for key, request in zip(keys, requests, strict=True):
            reply = self._look_up(key, request)
            if reply:
                answers[key] = reply
            else:
                missing[key] = request
        if missing:
            self._check_key()
            answers |= asyncio.run(self._ask_batch(missing) if self._endpoint.batch else self._ask_each(missing, label))
        return [answers[key] for key in keys]

    def _look_up(self, key: str, request: ChatRequest) -> Reply | None:
        reply = kept(self._store, request, self._endpoint)
        self.ledger.book(key, request, reply)
        if reply:
            self._open.pop(key, None)
        else:
            self._open[key] = request
        return reply

    @contextlib.contextmanager
    def _turn(self, missing: dict[str, ChatRequest]) -> Generator[dict[str, Reply]]:
        """Alone with the endpoint: what other processes were answered meanwhile, which is `missing` no more."""
        with turn(self._store, self._endpoint, missing.values()):
            found = {key: self._look_up(key, request) for key, request in list(self._open.items())}
            yield {key: reply for key, reply in found.items() if reply and missing.pop(key, None)}

    def _check_key(self) -> None:
        if self._endpoint.key_variable and not self._key:
            raise ChatError(
                f"{self._endpoint.base_url} needs a key for what is not kept yet: set the environment variable "
                f"{self._endpoint.key_variable}, or name another one as `key_variable` (null when it needs none)"
            )

    async def _ask_batch(self, missing: dict[str, ChatRequest]) -> dict[str, Reply | Failure]:
        """Alone only while sending: another process finds what was sent, and waits for the same batch."""
        async with network_client(self._endpoint, self._key) as network:
            batches = Batches(network, self._endpoint, self._store, self.ledger, self._key)
            try:
                with self._turn(missing) as answers:
                    sent = await batches.send(missing)
                return answers | await batches.receive(sent, missing)
            except openai.APIError as error:
                raise ChatError(f"the batch endpoint: {told(error, self._key)}; run again, nothing is lost") from None

    async def _ask_each(self, missing: dict[str, ChatRequest], label: str) -> dict[str, Reply | Failure]:
        with self._turn(missing) as answers:
            return answers | await self._ask(missing, label)

    async def _ask(self, missing: Mapping[str, ChatRequest], label: str) -> dict[str, Reply | Failure]:
        slots = asyncio.Semaphore(self._endpoint.concurrency)
        ahead = asyncio.Semaphore(self._endpoint.concurrency + _READY)
        settled = asyncio.Condition()
        answers: dict[str, Reply | Failure] = {}

        async def ask(key: str, request: ChatRequest) -> None:
            async with ahead:
                body = await self._body(settled, request)
                if isinstance(body, Failure):
                    answers[key] = body
                    return
                async with slots:
                    answers[key] = await self._tries(network, settled, key, request, body)

        async with network_client(self._endpoint, self._key) as network:
            tasks = [asyncio.ensure_future(ask(key, request)) for key, request in missing.items()]
            try:
                for task in progress(asyncio.as_completed(tasks), total=len(tasks), label=label):
                    await task
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        return answers

    async def _body(self, settled: asyncio.Condition, request: ChatRequest) -> dict[str, Any] | Failure:
        """The request's JSON, its pictures scaled in a thread; or why it will not be sent."""
        if self._quota_errors >= _QUOTA_ERRORS:
            return _NO_QUOTA
        if not await self._once(settled, partial(self.ledger.fits, request)):
            return _COST_LIMIT
        try:
            return await asyncio.to_thread(request.body, self._endpoint)
        except Undecodable as error:
            return Failure("bad_picture", str(error))

    async def _tries(
        self, network: AsyncOpenAI, settled: asyncio.Condition, key: str, request: ChatRequest, body: dict[str, Any]
    ) -> Reply | Failure:
        """All tries of one question."""
        deadline = Deadline(self._endpoint)
        number = 0
        while True:
            if self._quota_errors >= _QUOTA_ERRORS:
                return _NO_QUOTA
            if not await self._once(settled, partial(self.ledger.reserve, key, request)):
                return _COST_LIMIT
            try:
                return await self._one_try(network, settled, key, request, body, deadline.left())
            except Lost as lost:
                number += 1
                if not lost.again or number >= self._endpoint.tries:
                    return lost.failure
                if not await deadline.wait(number, lost.wait):
                    return lost.failure

    async def _once(self, settled: asyncio.Condition, fits: Callable[[], bool]) -> bool:
        """Wait for the price of questions under way while theirs decides whether another one still fits."""
        async with settled:
            while not fits():
                if not self.ledger.under_way:
                    return False
                await settled.wait()
        return True

    async def _one_try(
        self,
        network: AsyncOpenAI,
        settled: asyncio.Condition,
        key: str,
        request: ChatRequest,
        body: dict[str, Any],
        seconds: float,
    ) -> Reply:
        endpoint, reply, unbilled = self._endpoint, None, False
        try:
            limits = request.max_tokens(endpoint), endpoint.max_completion_tokens
            reply = await one_try(network, body, seconds, limits, self._key)
            keep(self._store, request, endpoint, reply)
            self._quota_errors = 0
            return reply
        except ChatError:
            unbilled = True
            raise
        except Lost as lost:
            unbilled = lost.unbilled
            self._quota_errors += lost.failure.reason == "no_quota"
            raise
        finally:
            self.ledger.settle(key, request, reply, unbilled)
            async with settled:
                settled.notify_all()
