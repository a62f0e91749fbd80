"""One question to a model: what is sent, and the key of all that determines the answer."""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from PIL import Image
from pydantic import BaseModel

from culturebench.images.decode import decode
from culturebench.params._endpoint import Endpoint
from culturebench.store import key_of

_QUALITY = 90
#: What a request says beside texts and pictures, in tokens at most.
_FRAME_TOKENS = 200


@dataclass(frozen=True)
class ChatImage:
    """A picture's bytes as they were collected; it is sent smaller, as a JPEG without the camera's notes."""

    data: bytes

    @cached_property
    def digest(self) -> str:
        """Sha256 (hex) of the bytes."""
        return hashlib.sha256(self.data).hexdigest()

    def url(self, side: int) -> str:
        """The data URL of the picture with a longer side of at most `side` pixels. Raises `Undecodable`."""
        picture = decode(self.data)
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=_QUALITY)
        return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


@dataclass(frozen=True)
class ChatRequest:
    """A question: instructions, text, pictures, the shape of the answer, and what was said before.

    `earlier` holds (reply, what was said to it) pairs after the first question.
    """

    system: str
    user: str
    images: tuple[ChatImage, ...] = ()
    schema: type[BaseModel] | None = None
    earlier: tuple[tuple[str, str], ...] = ()

    def key(self, endpoint: Endpoint, limited: bool = True) -> str:
        """Sha256 of endpoint, model, settings, texts, shape and the pictures' bytes; also of the limit if `limited`."""
        return key_of(
            {
                "kind": "chat",
                "base_url": endpoint.base_url,
                "model": endpoint.model,
                "settings": [endpoint.max_completion_tokens if limited else None, endpoint.extra],
                "system": self.system,
                "user": self.user,
                "images": [[image.digest, endpoint.image_side] for image in self.images],
                "schema": self.schema.model_json_schema() if self.schema else None,
                "earlier": self.earlier,
            }
        )

    def body(self, endpoint: Endpoint) -> dict[str, Any]:
        """The request's JSON, as https://platform.openai.com/docs/api-reference/chat describes it."""
        parts: list[dict[str, Any]] = [{"type": "text", "text": self.user}]
        for image in self.images:
            parts.append({"type": "image_url", "image_url": {"url": image.url(endpoint.image_side)}})
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": self.system},
            {"role": "user", "content": parts if self.images else self.user},
        ]
        for reply, answer in self.earlier:
            messages += [{"role": "assistant", "content": reply}, {"role": "user", "content": answer}]
        body = endpoint.extra | {
            "model": endpoint.model,
            "messages": messages,
            "max_completion_tokens": endpoint.max_completion_tokens,
        }
        if self.schema:
            body["response_format"] = {"type": "json_schema", "json_schema": strict_schema(self.schema)}
        return body

    def max_tokens(self, endpoint: Endpoint) -> int:
        """Tokens sent at most: no token is shorter than a byte."""
        texts = [self.system, self.user, *(text for pair in self.earlier for text in pair)]
        if self.schema:
            texts.append(str(strict_schema(self.schema)))
        return sum(len(text.encode()) for text in texts) + endpoint.image_tokens * len(self.images) + _FRAME_TOKENS


@cache
def strict_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """Name and JSON schema of a model as strict structured output wants them."""
    import openai  # seconds, and a plan without endpoints asks nobody

    function = openai.pydantic_function_tool(schema)["function"]
    return {"name": function["name"], "strict": True, "schema": function.get("parameters", {})}
