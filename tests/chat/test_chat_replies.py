"""What endpoints send under the status 200: replies with habits of their own are read, and anything else is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chat_questions import Colour, client, echo, endpoint, questions
from chat_server import KEY, ChatServer, Shape
from culturebench.chat.reply import Failure, Reply


def _parts(whole: dict[str, Any]) -> dict[str, Any]:
    message = whole["choices"][0]["message"]
    text = message["content"]
    parts = [
        {"type": "thinking", "thinking": []},
        {"type": "text", "text": text[:5]},
        {"type": "text", "text": text[5:]},
    ]
    return whole | {"choices": [{"message": message | {"content": parts}}]}


@pytest.mark.parametrize(
    "shape",
    [
        _parts,
        lambda whole: whole | {"usage": None},
        lambda whole: whole | {"usage": {"prompt_tokens": None, "completion_tokens": -1}, "model": None},
        lambda whole: whole | {"usage": {}, "error": None},
    ],
)
def test_a_reply_of_an_endpoint_with_habits_of_its_own_is_read(tmp_path: Path, shape: Shape):
    with ChatServer(echo, shape=shape) as server:
        reply = client(server, tmp_path).ask_all(questions(1))[0]
    assert isinstance(reply, Reply) and reply.parsed(Colour).colour == "colour 0"
    assert (reply.input_tokens, reply.output_tokens) == (
        (900, 100) if shape is _parts else (questions(1)[0].max_tokens(endpoint("http://x")), 200)
    )


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (lambda whole: whole | {"choices": [], "note": "the model is loading"}, "the model is loading"),
        (lambda whole: {"error": {"message": f"upstream is overloaded, {KEY}", "code": 502}}, "upstream is overloaded"),
        (lambda whole: whole | {"error": {"message": "provider gave up"}}, "provider gave up"),
        (lambda whole: {"choices": [{"error": {"message": "moderated"}}]}, "moderated"),
        (lambda whole: {"detail": "no such deployment"}, "no such deployment"),
    ],
)
def test_what_an_endpoint_says_instead_of_a_reply_is_told(tmp_path: Path, shape: Shape, words: str, batch: bool):
    with ChatServer(echo, shape=shape) as server:
        asking = client(server, tmp_path, tries=1, batch=batch)
        failure = asking.ask_all(questions(1))[0]
    assert isinstance(failure, Failure) and failure.reason == "broken_reply"
    assert words in failure.detail and KEY not in failure.detail
    assert asking.ledger.unanswered > 0, "it may have been billed"
