"""One question over the network: bounded tries, waits and time, and failures with a reason."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import httpx2
import openai
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from culturebench.chat.reply import ChatError, Failure, NoCompletion, Reply, blotted, read_completion
from culturebench.params._endpoint import Endpoint
from culturebench.web.rate_limit import retry_after

_MAX_DETAIL = 300
_FIRST_WAIT = 0.5
_AGAIN = (408, 409, 429)
_HOPELESS = (401, 403, 404)


class Lost(Exception):
    """A try without a reply; `again` when another may help, `wait` as the server asked, `unbilled` if it said no."""

    def __init__(self, failure: Failure, again: bool, wait: float | None = None, unbilled: bool = False) -> None:
        super().__init__(failure.reason)
        self.failure, self.again, self.wait, self.unbilled = failure, again, wait, unbilled


class Deadline:
    """The time that is left for one question, and how long to wait before its next try."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._end = time.monotonic() + endpoint.deadline

    def left(self) -> float:
        """Seconds for the next try."""
        return min(self._endpoint.timeout, self._end - time.monotonic())

    async def wait(self, number: int, asked: float | None) -> bool:
        """Wait before try `number` + 1 as the server `asked`, within bounds; False when no time would be left."""
        backoff = _FIRST_WAIT * 2**number * random.uniform(0.5, 1.0)
        seconds = min(asked if asked is not None else backoff, self._endpoint.max_wait)
        if time.monotonic() + seconds >= self._end:
            return False
        await asyncio.sleep(seconds)
        return True


def network_client(endpoint: Endpoint, key: str | None) -> AsyncOpenAI:
    """The openai client without its own retries, and without redirects: a picture goes where params say or nowhere."""
    return AsyncOpenAI(
        api_key=key or "none",
        base_url=endpoint.base_url,
        max_retries=0,
        timeout=endpoint.timeout,
        http_client=DefaultAsyncHttpxClient(
            follow_redirects=False,
            limits=httpx2.Limits(max_keepalive_connections=endpoint.concurrency),  # the library keeps 100 open
        ),
    )


async def one_try(
    client: AsyncOpenAI, body: dict[str, Any], seconds: float, max_tokens: tuple[int, int], key: str | None
) -> Reply:
    """Send the request once; raises `Lost`, or `ChatError` when no other question would fare better."""
    try:
        async with asyncio.timeout(seconds):
            response = await client.chat.completions.with_raw_response.create(**_arguments(body))
            return read_completion(response.content, max_tokens, key)
    except (TimeoutError, openai.APITimeoutError):
        raise Lost(Failure("timeout", f"no whole reply within {seconds:.0f} s"), again=True) from None
    except openai.APIConnectionError as error:
        raise Lost(Failure("connection", told(error, key)), again=True) from None
    except NoCompletion as error:
        raise Lost(Failure("broken_reply", str(error)), again=True) from None
    except openai.APIStatusError as error:
        raise refusal(error, key) from None


def refusal(error: openai.APIStatusError, key: str | None) -> Exception:
    """What an error status means for this question, or for all of them."""
    status, said = error.status_code, told(error, key)
    if status in _HOPELESS:
        return ChatError(f"the endpoint answers {status}: {said}; check `base_url`, `model` and the key's variable")
    if status == 429 and error.code == "insufficient_quota":
        return Lost(Failure("no_quota", said), again=False, unbilled=True)
    if status in _AGAIN or status >= 500:
        reason = "rate_limited" if status == 429 else "server_error"
        wait = retry_after(error.response.headers.get("retry-after"))
        return Lost(Failure(reason, f"{status}: {said}"), again=True, wait=wait, unbilled=True)
    return Lost(Failure("refused_request", f"{status}: {said}"), again=False, unbilled=True)


def _arguments(body: dict[str, Any]) -> dict[str, Any]:
    """Fields that the client does not know by name travel in `extra_body`."""
    known = ("model", "messages", "max_completion_tokens", "response_format")
    return {name: body[name] for name in known if name in body} | {
        "extra_body": {name: value for name, value in body.items() if name not in known}
    }


def told(error: openai.APIError, key: str | None) -> str:
    """What an error says, on one line and without the key."""
    return " ".join(blotted(error.message, key).split())[:_MAX_DETAIL]
