"""CultureVQA put to a model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from culturebench.artifacts.answers import UNPARSEABLE
from culturebench.chat.client import ChatClient
from culturebench.chat.reply import Failure, Reply
from culturebench.chat.request import ChatImage, ChatRequest
from culturebench.judging.base import Answer, JudgeError, Question
from culturebench.vlm.wording import Wording


class ServedJudge:
    """Asks every question once; a reply is kept and never asked for again."""

    def __init__(self, client: ChatClient, labels: Mapping[str, str]) -> None:
        """`labels`: region -> how it is shown."""
        self._client, self._wording = client, Wording(labels)

    def __call__(self, questions: Sequence[Question]) -> list[Answer]:
        """One answer per question; `JudgeError` when some got no reply, those received are kept."""
        replies = self._client.ask_all([self._request(question) for question in questions], "CultureVQA")
        ledger = self._client.ledger
        print(f"answers cost {ledger.paid:.4f}; without a reply at most {ledger.unanswered:.4f}", file=sys.stderr)
        return [self._answer(question, reply) for question, reply in zip(questions, _all(replies), strict=True)]

    def _request(self, question: Question) -> ChatRequest:
        options = question.options
        return ChatRequest(self._wording.system(options), self._wording.question(options), (ChatImage(question.image),))

    def _answer(self, question: Question, reply: Reply) -> Answer:
        lost = bool(reply.refusal) or reply.finish_reason in ("length", "content_filter")
        answer = UNPARSEABLE if lost else self._wording.parsed(reply.text, question.options)
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
