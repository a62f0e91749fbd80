"""What came back: a reply as it was received, or the reason for which there is none."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from culturebench.errors import CultureBenchError
from culturebench.masking import masker

Model = TypeVar("Model", bound=BaseModel)
_MAX_SAID = 280


class ChatError(CultureBenchError):
    """An endpoint that cannot be used at all: a missing or refused key, an unknown model."""


class BadReply(Exception):
    """A reply that is not of the shape asked for; `reason` is refused, cut_off or not_the_schema."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True)
class Reply:
    """A reply that was received and paid for, of whatever quality."""

    text: str
    refusal: str
    finish_reason: str
    served_model: str
    input_tokens: int
    output_tokens: int

    def parsed(self, schema: type[Model]) -> Model:
        """The text as `schema`; raises `BadReply`."""
        if self.refusal or self.finish_reason == "content_filter":
            raise BadReply("refused", self.refusal or "the endpoint's filter")
        if not self.finished:
            raise BadReply("cut_off", f"stopped after {self.output_tokens} tokens")
        try:
            return schema.model_validate_json(self.text)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise BadReply("not_the_schema", f"{place}: {first['msg']}".removeprefix(": ")) from None

    @property
    def finished(self) -> bool:
        """Whether a higher limit of its length would have changed nothing."""
        return self.finish_reason != "length"

    def to_bytes(self) -> bytes:
        """As the store keeps it."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Reply:
        """What `to_bytes` wrote."""
        return cls(**json.loads(data))


@dataclass(frozen=True)
class Failure:
    """A question without a reply: nothing is kept, and a later run asks again.

    `reason` is rate_limited, no_quota, server_error, timeout, connection, broken_reply, refused_request, bad_picture or
    cost_limit.
    """

    reason: str
    detail: str


class NoCompletion(Exception):
    """A body that is no chat completion; the message says what it is instead, in the endpoint's words."""


def _count_or_none(value: Any) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


#: What is not told, or told as nonsense, is None: it was received and paid for all the same.
_Tokens = Annotated[int | None, BeforeValidator(_count_or_none)]


#: An error beside choices, as gateways send it with the status 200; an empty one is none.
_NoError = Annotated[None, BeforeValidator(lambda error: error or None)]


class _Part(BaseModel):
    text: str | None = None
    refusal: str | None = None


class _Message(BaseModel):
    content: str | list[_Part] | None = None
    refusal: str | None = None

    def said(self) -> tuple[str, str]:
        """Text and refusal."""
        parts = [_Part(text=self.content)] if isinstance(self.content, str) else self.content or []
        text = "".join(part.text or "" for part in parts)
        return text, self.refusal or "".join(part.refusal or "" for part in parts)


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None
    error: _NoError = None


class _Usage(BaseModel):
    prompt_tokens: _Tokens = None
    completion_tokens: _Tokens = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    model: str | None = None
    usage: _Usage | None = None
    error: _NoError = None


def read_completion(body: str | bytes, max_tokens: tuple[int, int], key: str | None) -> Reply:
    """A reply from the endpoint's JSON; raises `NoCompletion` when it is none.

    `max_tokens` stands in for a usage that the endpoint does not tell; `key` is blotted out wherever it is echoed.
    """
    try:
        completion = _Completion.model_validate_json(body)
    except ValidationError:
        raise NoCompletion(f"no chat completion: {_words(body, key)}") from None
    choice, used = completion.choices[0], completion.usage or _Usage()
    text, refusal = choice.message.said()
    return Reply(
        text=blotted(text, key),
        refusal=blotted(refusal, key),
        finish_reason=choice.finish_reason or "",
        served_model=blotted(completion.model or "", key),
        input_tokens=max_tokens[0] if used.prompt_tokens is None else used.prompt_tokens,
        output_tokens=max_tokens[1] if used.completion_tokens is None else used.completion_tokens,
    )


def _words(body: str | bytes, key: str | None) -> str:
    """What an endpoint said instead, its error alone where it names one; on one line and without the key."""
    said = body if isinstance(body, str) else body.decode(errors="replace")
    with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):  # nested without an end
        said = json.dumps(json.loads(said)["error"] or said, ensure_ascii=False)
    return " ".join(blotted(said, key).split())[:_MAX_SAID] or "an empty body"


def blotted(text: str, key: str | None) -> str:
    """The text without the key, in whatever form it is echoed."""
    return masker([key], "[key]")(text) if key else text
