"""The batch endpoint: the same replies under the same keys, within the same bounds, and no batch is sent twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from chat_questions import Colour, client, echo, endpoint, questions
from chat_server import KEY, ChatServer, share_of_faults
from culturebench.chat.client import ChatClient
from culturebench.chat.reply import ChatError, Failure, Reply
from culturebench.chat.request import ChatImage, ChatRequest
from culturebench.store import Store


def test_a_batch_gives_what_single_questions_give_and_keeps_it_under_the_same_keys(tmp_path: Path):
    with ChatServer(echo) as server:
        replies = client(server, tmp_path, batch=True).ask_all(questions(30))
        assert [reply.parsed(Colour).colour for reply in replies if isinstance(reply, Reply)] == [
            f"colour {number}" for number in range(30)
        ]
        assert client(server, tmp_path).ask_all(questions(30)) == replies
        assert len(server.batches.made) == 1 and len(server.log) == 30


def test_a_reply_with_line_separators_in_it_is_read_and_paid_once(tmp_path: Path):
    odd = "\u2028one\u0085two\u2029three\x1cfour"
    with ChatServer(lambda asked, fault: asked.texts[-1] + odd) as server:
        for _ in range(2):
            replies = client(server, tmp_path, batch=True).ask_all(questions(3))
            assert [reply.text for reply in replies if isinstance(reply, Reply)] == [
                f"colour {number}{odd}" for number in range(3)
            ]
        assert len(server.log) == 3


def test_a_batch_that_was_not_waited_for_is_found_again(tmp_path: Path):
    with ChatServer(echo) as server:
        server.batches.looks = 8
        with pytest.raises(ChatError, match="in_progress; run again later"):
            client(server, tmp_path, batch=True, batch_deadline=1).ask_all(questions(5))
        server.batches.looks = server.batches.made["batch-0"]["looks"] + 1
        # Two more questions than before: only they make a new batch.
        replies = client(server, tmp_path, batch=True, batch_deadline=30).ask_all(questions(7))
        assert all(isinstance(reply, Reply) for reply in replies)
        assert len(server.batches.made) == 2 and len(server.log) == 7 and server.paid_twice() == 0


def test_a_question_that_failed_in_a_batch_is_asked_again_by_a_later_run(tmp_path: Path):
    with ChatServer(echo, share_of_faults(0.4, ["server_error"])) as server:
        first = client(server, tmp_path, batch=True).ask_all(questions(20))
        failed = [answer for answer in first if isinstance(answer, Failure)]
        assert failed and {answer.reason for answer in failed} == {"refused_request"}
        client(server, tmp_path, batch=True).ask_all(questions(20))
        assert server.paid_twice() == 0 and server.count("answered") > 20 - len(failed)


def test_a_batch_holds_no_more_questions_than_the_limit_of_cost_allows(tmp_path: Path):
    with ChatServer(echo) as server:
        asking = client(server, tmp_path, batch=True, max_cost=0.005)
        answers = asking.ask_all(questions(40))
        sent = sum(isinstance(answer, Reply) for answer in answers)
        assert 0 < sent < 40 and len(server.log) == sent
        assert {answer.reason for answer in answers if isinstance(answer, Failure)} == {"cost_limit"}


def test_more_than_one_file_holds_go_in_several_and_a_broken_picture_stays_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("culturebench.chat.batch.MAX_BYTES", 3000)
    broken = ChatRequest("s", "u", (ChatImage(b"no picture"),))
    with ChatServer(echo) as server:
        answers = client(server, tmp_path, batch=True).ask_all([broken, *questions(20)])
        assert isinstance(answers[0], Failure) and answers[0].reason == "bad_picture"
        assert all(isinstance(answer, Reply) for answer in answers[1:])
        assert 3 < len(server.batches.made) < 20 and len(server.log) == 20


def test_a_wrong_key_stops_a_batch_and_is_not_repeated(tmp_path: Path):
    with ChatServer(echo) as server, pytest.raises(ChatError) as raised:
        ChatClient(endpoint(server, batch=True), Store(str(tmp_path)), f"{KEY}-wrong").ask_all(questions(2))
    assert KEY not in str(raised.value)
