"""An OpenAI-compatible endpoint and the bounds within which it is asked."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Endpoint(BaseModel):
    """Where chat completions come from, what they may take, and what they cost."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    base_url: str = Field(description="up to and without `/chat/completions`; a part of the key of every cached reply")
    model: str = Field(min_length=1, description="id by which the endpoint knows the model")
    key_variable: str | None = Field(
        pattern="^[A-Za-z_][A-Za-z0-9_]*$",
        description="environment variable that holds the key; null for an endpoint that asks for none",
    )
    max_completion_tokens: int = Field(gt=0, description="tokens of one reply at most, reasoning included")
    extra: dict[str, Any] = Field(default={}, description="further fields of every request, such as reasoning_effort")
    image_side: int = Field(ge=32, description="pixels of a picture's longer side as it is sent, as a JPEG")
    image_tokens: int = Field(ge=0, description="tokens of one picture at most, for the estimate before a call")
    input_price: float = Field(ge=0, description="price of a million tokens sent")
    output_price: float = Field(ge=0, description="price of a million tokens received")
    max_cost: float | None = Field(
        ge=0, description="what all replies of one run of a stage may cost, cached ones included; null for no limit"
    )
    tries: int = Field(default=3, ge=1, description="times that one question is sent at most")
    timeout: float = Field(default=60, gt=0, description="seconds for one try, from connecting to the last byte")
    deadline: float = Field(default=180, gt=0, description="seconds for all tries of one question and their waiting")
    max_wait: float = Field(default=30, ge=0, description="seconds waited before a retry, whatever Retry-After says")
    concurrency: int = Field(default=8, ge=1, description="questions under way at a time")
    batch: bool = Field(default=False, description="whether to ask through the batch endpoint: slower and cheaper")
    batch_deadline: float = Field(
        default=86400, gt=0, description="seconds to wait for a batch; a later run goes on with the same batch"
    )

    @field_validator("base_url")
    @classmethod
    def _plain_url(cls, url: str) -> str:
        scheme, _, rest = url.partition("://")
        if scheme not in ("http", "https") or not rest or any(sign in rest for sign in "@?# "):
            raise ValueError("must be http(s)://host[:port]/path without user, password, query or fragment")
        return url.rstrip("/")
