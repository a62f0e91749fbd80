"""Asking a public API: replies of a known shape, kept in the snapshot, asked at most once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import requests
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from culturebench.sources.base import SourceError
from culturebench.sources.snapshot import Snapshot
from culturebench.web.client import Checks, Client
from culturebench.web.failed import Failed

_MAX_REPLY_BYTES = 64_000_000


#: With these a service says, or lets one wait until it is clear, that a question takes it too long.
_SLOW = ("timeout", "deadline", "http_500", "http_504")
_TOO_SLOW = b"too slow"


class TooSlow(SourceError):
    """A question that the service could not answer in time; others it may."""


def without_nulls(said: Any) -> Any:
    """What is null in a reply was not said."""
    return {key: value for key, value in said.items() if value is not None} if isinstance(said, dict) else said


class Part(BaseModel):
    """The shape of a part of a reply; whatever else an API says is ignored, and what is null counts as not said."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    _said = model_validator(mode="before")(without_nulls)


class Answer(Part):
    """The shape of a whole reply."""

    def check(self) -> None:
        """Raise `Failed` when the reply says that it is none, `passing` when it may be better next time."""


A = TypeVar("A", bound=Answer)


class Api:
    """One way to the web for every API; robots.txt is for crawlers and says nothing about documented APIs."""

    def __init__(self, client: Client, snapshot: Snapshot) -> None:
        self._client = client
        self._snapshot = snapshot

    def ask(self, shape: type[A], url: str, params: Mapping[str, str], secret: Mapping[str, str] | None = None) -> A:
        """The reply to a GET of `url` with `params`; `SourceError` when there is none after all tries.

        It is `TooSlow` when the service had too little time for it. `secret` are headers, which are neither kept nor
        part of the question's key.
        """
        question = {"url": url, "params": dict(params)}
        cached = self._snapshot.reply(question)
        host = urlsplit(url).hostname
        if cached == _TOO_SLOW:
            raise TooSlow(f"{host}: no answer in time")
        if cached is not None:
            try:
                return shape.model_validate_json(cached)
            except ValidationError:
                pass  # kept by an older version that asked for less
        checks = _Whole(shape)
        headers = {"Accept": "application/json, application/sparql-results+json", **(secret or {})}
        try:
            reply = self._client.get(f"{url}?{urlencode(params)}", checks, _MAX_REPLY_BYTES, headers=headers)
        except Failed as failed:
            slow = failed.reason in _SLOW
            if slow:
                self._snapshot.cache_reply(question, _TOO_SLOW, passing=True)
            raise (TooSlow if slow else SourceError)(
                f"{host}: {failed} ({failed.reason}); run the stage again: what was answered so far is kept"
            ) from None
        self._snapshot.cache_reply(question, reply.body)
        return shape.model_validate_json(reply.body)


class _Whole(Checks):
    """An answer that is JSON of the wanted shape, with nothing cut off."""

    def __init__(self, shape: type[Answer]) -> None:
        self._shape = shape

    def headers(self, response: requests.Response) -> None:
        if 300 <= response.status_code < 400:
            raise Failed("redirects", "the API has moved; write its new address into collect.sources")
        super().headers(response)

    def body(self, data: bytearray, *, complete: bool) -> None:
        if not complete:
            return
        try:
            answer = self._shape.model_validate_json(bytes(data))
        except ValidationError as error:
            if (
                b"TimeoutException" in data
            ):  # Wikidata breaks off its JSON, under the status 200, with this in Java's words
                raise Failed("timeout", "the service ran out of time", passing=True) from None
            what = error.errors()[0]
            place = ".".join(str(part) for part in what["loc"])
            raise Failed(
                "bad_reply", f"not the JSON that was expected ({place} {what['type']})", passing=True
            ) from None
        answer.check()
