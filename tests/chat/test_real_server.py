"""llama.cpp's own server: what it is forced to say fits the schema, and what it says nonsense in is left to people."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from culturebench.captions.draft import Rules, draft_schema, problems
from culturebench.chat.client import ChatClient
from culturebench.chat.reply import BadReply, Failure, Reply
from culturebench.chat.request import ChatImage, ChatRequest
from culturebench.params._endpoint import Endpoint
from culturebench.png import to_png
from culturebench.store import Store
from llama_server import llama_server

SUBDIVISIONS = ("bat_trang", "dong_ho", "dong_son")


@pytest.mark.slow
def test_a_real_server_that_enforces_the_schema_answers_in_it_and_its_nonsense_is_told_apart(tmp_path: Path):
    schema = draft_schema(SUBDIVISIONS)
    questions = [ChatRequest("You write captions.", f"Picture {number}.", schema=schema) for number in range(3)]
    with llama_server(tmp_path) as url:
        endpoint = Endpoint(
            base_url=url, model="tiny", key_variable=None, max_completion_tokens=3000, extra={"seed": 1},
            image_side=64, image_tokens=0, input_price=1.0, output_price=1.0, max_cost=None, tries=1, timeout=120,
            deadline=300, concurrency=1,
        )  # fmt: skip
        client = ChatClient(endpoint, Store(str(tmp_path / "store")), None)
        replies = client.ask_all(questions)
        seen = client.ask_all([ChatRequest("s", "u", (ChatImage(to_png(Image.new("RGB", (9, 9)))),))])[0]
    drafts = []
    for reply in replies:
        assert isinstance(reply, Reply) and reply.served_model and reply.input_tokens > 10
        if reply.finish_reason == "length":
            with pytest.raises(BadReply, match="stopped after"):
                reply.parsed(schema)
        else:
            drafts.append(reply.parsed(schema))
    assert drafts, "every reply was cut off"
    for draft in drafts:
        assert getattr(draft, "subdivision") in (*SUBDIVISIONS, "other")  # noqa: B009
        reasons = {problem.reason for problem in problems(draft, Rules("vi", "Latn", ["VN"], 200), "")}
        assert reasons >= {"noun_not_verbatim", "modifier_not_verbatim"}
    # It has no eyes, and says so.
    assert isinstance(seen, Failure) and "image" in seen.detail
    assert client.ledger.paid == pytest.approx(sum(reply.input_tokens + reply.output_tokens for reply in replies) / 1e6)
