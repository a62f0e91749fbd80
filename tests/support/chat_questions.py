"""Questions to a chat server, and a client for it, as the tests of chat put them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from chat_server import KEY, Asked, ChatServer
from culturebench.chat.client import ChatClient
from culturebench.chat.reply import Reply
from culturebench.chat.request import ChatRequest
from culturebench.params._endpoint import Endpoint
from culturebench.store import Store


class Colour(BaseModel):
    """A colour."""

    colour: str


def echo(asked: Asked, fault: str) -> str:
    return json.dumps({"colour": asked.texts[-1]})


def endpoint(server: ChatServer | str, **changes: Any) -> Endpoint:
    """`server` may be its address."""
    url = server if isinstance(server, str) else server.url
    settings: dict[str, Any] = {
        "base_url": url, "model": "tiny", "key_variable": "KEY", "max_completion_tokens": 200,
        "image_side": 64, "image_tokens": 100, "input_price": 1.0, "output_price": 2.0, "max_cost": None,
        "timeout": 5, "deadline": 10, "max_wait": 0.01, "concurrency": 4,
    }  # fmt: skip
    return Endpoint(**settings | changes)


def client(server: ChatServer, folder: Path, **changes: Any) -> ChatClient:
    return ChatClient(endpoint(server, **changes), Store(str(folder / "store")), KEY)


def ask_apart(url: str, folder: str, count: int, changes: dict[str, Any]) -> int:
    """What another process does: how many of the questions got a reply."""
    settings = endpoint(url, **changes)
    answers = ChatClient(settings, Store(f"{folder}/store"), KEY).ask_all(questions(count))
    return sum(isinstance(answer, Reply) for answer in answers)


def questions(count: int) -> list[ChatRequest]:
    return [ChatRequest("Name the colour.", f"colour {n}", schema=Colour) for n in range(count)]
