"""What came back: a reply as it was received, or the reason for which there is none."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TypeVar

from pydantic import BaseModel, Field, ValidationError

from culturebench.errors import CultureBenchError
from culturebench.masking import masker

Model = TypeVar("Model", bound=BaseModel)


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
        if self.finish_reason == "length":
            raise BadReply("cut_off", f"stopped after {self.output_tokens} tokens")
        try:
            return schema.model_validate_json(self.text)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise BadReply("not_the_schema", f"{place}: {first['msg']}".removeprefix(": ")) from None

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


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    model: str = ""
    usage: _Usage | None = None


def read_completion(body: str | bytes, max_tokens: tuple[int, int], key: str | None) -> Reply:
    """A reply from the endpoint's JSON; raises `ValidationError` when it is none.

    `max_tokens` stands in for a usage that the endpoint does not tell; `key` is blotted out wherever it is echoed.
    """
    completion = _Completion.model_validate_json(body)
    choice = completion.choices[0]
    used = completion.usage
    return Reply(
        text=blotted(choice.message.content or "", key),
        refusal=blotted(choice.message.refusal or "", key),
        finish_reason=choice.finish_reason or "",
        served_model=blotted(completion.model, key),
        input_tokens=used.prompt_tokens if used else max_tokens[0],
        output_tokens=used.completion_tokens if used else max_tokens[1],
    )


def blotted(text: str, key: str | None) -> str:
    """The text without the key, in whatever form it is echoed."""
    return masker([key], "[key]")(text) if key else text
