"""CultureVQA put to a model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from culturebench.artifacts.answers import UNPARSEABLE
from culturebench.chat.client import ChatClient
from culturebench.chat.reply import Failure, Reply
from culturebench.chat.request import ChatImage, ChatRequest
from culturebench.judging.base import Answer, JudgeError
from culturebench.judging.worded import AnyQuestion, parsed, worded
from culturebench.vlm.wording import Wording


class ServedJudge:
    """Asks every question once; a reply is kept and never asked for again."""

    def __init__(self, client: ChatClient, labels: Mapping[str, str]) -> None:
        """`labels`: region -> how it is shown."""
        self._client, self._wording = client, Wording(labels)

    def __call__(self, questions: Sequence[AnyQuestion]) -> list[Answer]:
        """One answer per question; `JudgeError` when some got no reply, those received are kept."""
        replies = self._client.ask_all([self._request(question) for question in questions], "CultureVQA")
        ledger = self._client.ledger
        print(f"answers cost {ledger.paid:.4f}; without a reply at most {ledger.unanswered:.4f}", file=sys.stderr)
        return [self._answer(question, reply) for question, reply in zip(questions, _all(replies), strict=True)]

    def _request(self, question: AnyQuestion) -> ChatRequest:
        put = worded(self._wording, question)
        return ChatRequest(put.system, put.user, tuple(map(ChatImage, put.images)))

    def _answer(self, question: AnyQuestion, reply: Reply) -> Answer:
        lost = bool(reply.refusal) or reply.finish_reason in ("length", "content_filter")
        answer = UNPARSEABLE if lost else parsed(self._wording, reply.text, question)
        return Answer(answer, "", reply.refusal or reply.text, reply.served_model)


def _all(replies: Sequence[Reply | Failure]) -> list[Reply]:
    failures = [reply for reply in replies if isinstance(reply, Failure)]
    if failures:
        reasons = sorted({f"{failure.reason} ({failure.detail})" for failure in failures})[:3]
        raise JudgeError(
            f"{len(failures)} of {len(replies)} questions got no reply: {'; '.join(reasons)}. The replies received are "
            "kept: run again when the endpoint is well, or correct its entry under `judges` in params.yaml"
        )
    return [reply for reply in replies if isinstance(reply, Reply)]
