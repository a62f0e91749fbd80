"""The real openai client against a real server that fails in every way: bounded, kept, metered, and silent on keys."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import ValidationError

from chat_questions import Colour, ask_apart, client, echo, endpoint, questions
from chat_server import FAULTS, KEY, Asked, ChatServer, share_of_faults
from culturebench.chat.client import ChatClient
from culturebench.chat.reply import BadReply, ChatError, Failure, Reply
from culturebench.chat.request import ChatImage, ChatRequest
from culturebench.png import to_png
from culturebench.store import Store


def picture(colour: str, size: tuple[int, int] = (300, 200)) -> ChatImage:
    return ChatImage(to_png(Image.new("RGB", size, colour)))


def only(fault: str, times: int = 1) -> Callable[[str, int], str]:
    return lambda fingerprint, sent: fault if sent < times else ""


def test_a_reply_has_its_text_model_and_usage_and_fits_the_schema(tmp_path: Path):
    with ChatServer(echo) as server:
        reply = client(server, tmp_path).ask_all(questions(1))[0]
    assert isinstance(reply, Reply)
    assert reply.parsed(Colour) == Colour(colour="colour 0")
    assert (reply.served_model, reply.input_tokens, reply.output_tokens) == ("tiny-served", 900, 100)
    sent = server.asked[0].body
    assert sent["response_format"]["json_schema"]["strict"] is True
    assert sent["response_format"]["json_schema"]["schema"]["additionalProperties"] is False


def test_a_picture_is_sent_small_and_without_what_the_camera_noted(tmp_path: Path):
    exif = Image.Exif()
    exif[0x9286] = "taken at home"
    file = tmp_path / "a.jpg"
    Image.new("RGB", (300, 200), "red").save(file, exif=exif)
    with ChatServer(echo) as server:
        client(server, tmp_path).ask_all([ChatRequest("s", "u", (ChatImage(file.read_bytes()),))])
    data = server.asked[0].images[0]
    assert b"taken at home" in file.read_bytes() and b"taken at home" not in data
    (tmp_path / "b.jpg").write_bytes(data)
    with Image.open(tmp_path / "b.jpg") as sent:
        assert (sent.format, sent.size) == ("JPEG", (64, 43))


def test_a_reply_is_never_asked_for_again_and_equal_questions_are_asked_once(tmp_path: Path):
    with ChatServer(echo) as server:
        first = client(server, tmp_path).ask_all(questions(5) + questions(5))
        again = ChatClient(endpoint(server), Store(str(tmp_path / "store")), None).ask_all(questions(5))
    assert first == again * 2 and len(server.log) == 5


@pytest.mark.parametrize(
    "change",
    [{"model": "other"}, {"extra": {"seed": 1}}, {"image_side": 32}],
)
def test_whatever_determines_the_answer_is_in_the_key(tmp_path: Path, change: dict[str, Any]):
    with ChatServer(echo) as server:
        one = ChatRequest("s", "u", (picture("red"),), Colour)
        keys = {one.key(endpoint(server)), one.key(endpoint(server, **change))}
        others = [
            ChatRequest("t", "u", (picture("red"),), Colour), ChatRequest("s", "v", (picture("red"),), Colour),
            ChatRequest("s", "u", (picture("blue"),), Colour), ChatRequest("s", "u", (picture("red"),)),
            ChatRequest("s", "u", (picture("red"),), Colour, (("a", "b"),)),
        ]  # fmt: skip
        keys |= {other.key(endpoint(server)) for other in others}
        assert len(keys) == 7
        assert one.key(endpoint(server, tries=9, concurrency=1, max_cost=1.0)) in keys


def test_a_finished_reply_stands_under_a_higher_limit_and_one_that_was_cut_off_is_asked_for_again(tmp_path: Path):
    cut = questions(3)[2].user
    with ChatServer(lambda asked, fault: echo(asked, ""), lambda fingerprint, sent: "") as server:
        server.schedule = lambda fingerprint, sent: (
            "cut_off"
            if server.asked[-1].texts[-1] == cut and server.asked[-1].body["max_completion_tokens"] == 200
            else ""
        )
        first = client(server, tmp_path).ask_all(questions(3))
        higher = client(server, tmp_path, max_completion_tokens=400).ask_all(questions(3))
        assert higher[:2] == first[:2] and len(server.log) == 4
        reply = higher[2]
        assert isinstance(reply, Reply) and reply.parsed(Colour).colour == cut
        assert client(server, tmp_path, max_completion_tokens=800).ask_all(questions(3)) == higher
        assert client(server, tmp_path).ask_all(questions(3)) == higher and len(server.log) == 4


@pytest.mark.parametrize(
    ("pool", "batch"), [(partial(ProcessPoolExecutor, 2, get_context("spawn")), False), (ThreadPoolExecutor, True)]
)
def test_processes_that_ask_the_same_at_once_pay_once_and_keep_the_limit_together(
    tmp_path: Path, pool: Callable[[], Executor], batch: bool
):
    def slowly(asked: Asked, fault: str) -> str:
        time.sleep(0.02)
        return echo(asked, fault)

    usage = {"prompt_tokens": 200, "completion_tokens": 150}
    with ChatServer(slowly, usage=usage) as server, pool() as others:
        highest = (questions(1)[0].max_tokens(endpoint(server)) + 2 * 200) / 1_000_000
        changes = {"max_cost": 20 * highest, "batch": batch, "concurrency": 2}
        work = [others.submit(ask_apart, server.url, str(tmp_path), 40, changes) for _ in range(2)]
        answered = [done.result() for done in work]
        assert server.paid_twice() == 0
        assert 0 < max(answered) == server.count("answered") and 500e-6 * max(answered) <= 20 * highest


@pytest.mark.parametrize("fault", ["rate_limit", "server_error", "broken_body", "no_json", "hang"])
def test_a_passing_fault_is_tried_again_and_a_lasting_one_ends_with_its_reason(tmp_path: Path, fault: str):
    reasons = {"rate_limit": "rate_limited", "broken_body": "connection", "no_json": "broken_reply", "hang": "timeout"}
    with ChatServer(echo, only(fault, 1)) as server:
        assert isinstance(client(server, tmp_path / "a", timeout=0.5).ask_all(questions(1))[0], Reply)
        assert [outcome for _, outcome in server.log] == [fault, "answered"]
    with ChatServer(echo, only(fault, 99)) as server:
        failure = client(server, tmp_path / "b", timeout=0.5).ask_all(questions(1))[0]
        assert isinstance(failure, Failure) and failure.reason == reasons.get(fault, fault)
        assert [outcome for _, outcome in server.log] == [fault] * 3


def test_no_wait_outlasts_the_deadline_whatever_retry_after_says(tmp_path: Path):
    with ChatServer(echo, only("rate_limit", 99)) as server:
        failure = client(server, tmp_path, max_wait=3600).ask_all(questions(1))[0]
        assert isinstance(failure, Failure) and failure.reason == "rate_limited"
        assert len(server.log) == 1


def test_a_request_that_is_refused_is_not_sent_twice(tmp_path: Path):
    with ChatServer(echo, only("bad_request", 99)) as server:
        failure = client(server, tmp_path).ask_all(questions(1))[0]
        assert isinstance(failure, Failure) and failure.reason == "refused_request" and len(server.log) == 1


def test_an_empty_account_is_noticed_and_the_rest_is_not_sent(tmp_path: Path):
    with ChatServer(echo, only("quota", 99)) as server:
        answers = client(server, tmp_path, concurrency=1).ask_all(questions(20))
        assert {answer.reason for answer in answers if isinstance(answer, Failure)} == {"no_quota"}
        assert len(answers) == 20 and len(server.log) == 3


def test_bad_replies_are_kept_since_they_were_paid_for(tmp_path: Path):
    for fault, reason in [("refusal", "refused"), ("cut_off", "cut_off")]:
        with ChatServer(echo, only(fault, 99)) as server:
            for _ in range(2):
                reply = client(server, tmp_path / fault).ask_all(questions(1))[0]
                assert isinstance(reply, Reply)
                with pytest.raises(BadReply) as raised:
                    reply.parsed(Colour)
                assert raised.value.reason == reason
            assert len(server.log) == 1
    with ChatServer(lambda asked, fault: '{"color": 1}') as server:
        reply = client(server, tmp_path).ask_all(questions(1))[0]
        with pytest.raises(BadReply, match="colour"):
            assert isinstance(reply, Reply) and reply.parsed(Colour)


def test_no_more_questions_are_under_way_than_allowed(tmp_path: Path):
    def slowly(asked: Asked, fault: str) -> str:
        time.sleep(0.1)
        return echo(asked, fault)

    with ChatServer(slowly) as server:
        client(server, tmp_path, concurrency=3).ask_all(questions(15))
        assert 1 < server.max_at_once <= 3


def test_as_many_as_allowed_are_under_way_at_once_and_give_what_they_give_one_at_a_time(tmp_path: Path):
    together = threading.Barrier(24)

    def waiting(asked: Asked, fault: str) -> str:
        together.wait(20)  # nobody is answered before all of a group have asked
        return hashlib.sha256(asked.images[0]).hexdigest()

    def alone(asked: Asked, fault: str) -> str:
        return hashlib.sha256(asked.images[0]).hexdigest()

    asked = [ChatRequest("s", "u", (picture(f"rgb({5 * number}, 0, 0)"),)) for number in range(48)]
    with ChatServer(waiting) as many, ChatServer(alone) as one:
        answers = client(many, tmp_path / "many", concurrency=24, timeout=25, deadline=50).ask_all(asked)
        assert answers == client(one, tmp_path / "one", concurrency=1).ask_all(asked)
        assert all(isinstance(answer, Reply) for answer in answers) and many.max_at_once == 24
        assert sorted(many.log) == sorted(one.log)


def test_replies_are_taken_and_kept_while_the_next_picture_is_made_ready(tmp_path: Path):
    asking = Store(str(tmp_path / "store"))
    seen: list[bool] = []

    class Slow(ChatImage):
        """Is scaled once the reply to the other question is kept, or never."""

        def url(self, side: int) -> str:
            end = time.monotonic() + 10
            while not (found := asking.get(first.key(settings, limited=False))) and time.monotonic() < end:
                time.sleep(0.01)
            seen.append(bool(found))
            return super().url(side)

    with ChatServer(echo) as server:
        settings = endpoint(server, concurrency=2)
        first = ChatRequest("s", "first", (picture("red"),))
        second = ChatRequest("s", "second", (Slow(picture("blue").data),))
        answers = client(server, tmp_path, concurrency=2).ask_all([second, first])
    assert seen == [True] and all(isinstance(answer, Reply) for answer in answers)


def test_the_limit_of_cost_is_never_exceeded_and_used_as_far_as_it_goes(tmp_path: Path):
    usage = {"prompt_tokens": 200, "completion_tokens": 150}
    with ChatServer(echo, usage=usage) as server:
        one = questions(1)[0]
        highest = (one.max_tokens(endpoint(server)) * 1.0 + 200 * 2.0) / 1_000_000
        price = (200 * 1.0 + 150 * 2.0) / 1_000_000
        limit = 9 * price + highest
        for _ in range(2):  # the second run finds the first one's replies and has as little left
            asking = client(server, tmp_path, max_cost=limit)
            answers = asking.ask_all(questions(40))
            assert sum(isinstance(answer, Reply) for answer in answers) == len(server.log) == 10
            assert asking.ledger.paid == pytest.approx(10 * price) and asking.ledger.paid <= limit
            assert {answer.reason for answer in answers if isinstance(answer, Failure)} == {"cost_limit"}


def test_tries_without_an_answer_count_against_the_limit_in_later_runs_too(tmp_path: Path):
    with ChatServer(echo, only("hang", 99)) as server:
        first = client(server, tmp_path, timeout=0.2, tries=2, max_cost=1.0)
        first.ask_all(questions(3))
        assert first.ledger.paid == 0 and first.ledger.unanswered > 0
        second = client(server, tmp_path, timeout=0.2, tries=2, max_cost=first.ledger.unanswered)
        answers = second.ask_all(questions(3))
        assert second.ledger.unanswered == first.ledger.unanswered
        assert {answer.reason for answer in answers if isinstance(answer, Failure)} == {"cost_limit"}
        assert len(server.log) == 6


def test_an_error_status_costs_nothing(tmp_path: Path):
    with ChatServer(echo, only("server_error", 99)) as server:
        asking = client(server, tmp_path)
        asking.ask_all(questions(3))
        assert asking.ledger.unanswered == 0 == asking.ledger.paid


def test_a_reply_without_usage_is_metered_by_the_most_it_can_have_been(tmp_path: Path):
    with ChatServer(echo, usage=None) as server:
        reply = client(server, tmp_path).ask_all(questions(1))[0]
        assert isinstance(reply, Reply) and reply.output_tokens == 200
        assert reply.input_tokens == questions(1)[0].max_tokens(endpoint(server))


def test_a_storm_of_faults_ends_and_nothing_is_paid_twice(tmp_path: Path):
    with ChatServer(echo, share_of_faults(0.3, [name for name in FAULTS if name != "quota"])) as server:
        answers = client(server, tmp_path, timeout=0.5, concurrency=8).ask_all(questions(200))
        assert len(answers) == 200 and server.paid_twice() == 0
        failed = [answer for answer in answers if isinstance(answer, Failure)]
        assert len(failed) < 40
        again = client(server, tmp_path, timeout=0.5, concurrency=8, tries=20).ask_all(questions(200))
        assert server.paid_twice() == 0
        assert sum(isinstance(answer, Reply) for answer in again) > 200 - len(failed)
    assert {outcome for _, outcome in server.log} >= {"answered", "hang", "rate_limit", "broken_body"}


def test_a_missing_or_refused_key_stops_at_once_and_is_named_by_its_variable_only(tmp_path: Path):
    with ChatServer(echo) as server:
        with pytest.raises(ChatError, match="environment variable KEY"):
            ChatClient(endpoint(server), Store(str(tmp_path)), None).ask_all(questions(3))
        with pytest.raises(ChatError, match="401") as raised:
            ChatClient(endpoint(server), Store(str(tmp_path)), "sk-wrong-key").ask_all(questions(3))
        assert "sk-wrong-key" not in str(raised.value) and "[key]" in str(raised.value)
        assert raised.value.__suppress_context__


def test_a_key_appears_nowhere_even_if_the_server_echoes_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    caplog.set_level(logging.DEBUG)
    with ChatServer(lambda asked, fault: f"your key is {KEY}", only("server_error", 1)) as server:
        reply = client(server, tmp_path).ask_all(questions(1))[0]
        failure = client(server, tmp_path, tries=1).ask_all([ChatRequest("s", "u")])[0]
    assert isinstance(reply, Reply) and reply.text == "your key is [key]"
    assert isinstance(failure, Failure) and "[key]" in failure.detail
    cached = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    captured = capfd.readouterr()
    for place in (cached.decode(errors="replace"), caplog.text, captured.out, captured.err, repr(failure)):
        assert KEY not in place


def test_an_address_with_a_password_in_it_is_refused():
    with ChatServer(echo) as server, pytest.raises(ValidationError, match="without user"):
        endpoint(server, base_url="https://user:secret@host/v1")
