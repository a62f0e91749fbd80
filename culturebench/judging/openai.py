"""CultureVQA put to a model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from culturebench.artifacts.answers import UNPARSEABLE, UNRECOGNIZABLE
from culturebench.chat.client import ChatClient
from culturebench.chat.reply import Failure, Reply
from culturebench.chat.request import ChatImage, ChatRequest
from culturebench.judging.base import Answer, JudgeError, Question

SYSTEM = """\
You are shown a picture and a list of options. Reply with the option whose culture the picture shows, copied exactly,
and with nothing else. Reply "unrecognizable" when the picture shows no particular culture or cannot be made out."""

USER = "Which culture does this picture show?\n{options}"

#: What may stand around an option without making it another answer.
_DECORATION = " \t\r\n\"'`*."


class ServedJudge:
    """Asks every question once; a reply is kept and never asked for again."""

    def __init__(self, client: ChatClient, labels: Mapping[str, str]) -> None:
        """`labels`: region -> how it is shown."""
        self._client, self._labels = client, {UNRECOGNIZABLE: UNRECOGNIZABLE, **labels}

    def __call__(self, questions: Sequence[Question]) -> list[Answer]:
        """One answer a question; `JudgeError` when some got no reply, those received are kept."""
        replies = self._client.ask_all([self._request(question) for question in questions], "CultureVQA")
        ledger = self._client.ledger
        print(f"answers cost {ledger.paid:.4f}; without a reply at most {ledger.unanswered:.4f}", file=sys.stderr)
        return [self._answer(question, reply) for question, reply in zip(questions, _all(replies), strict=True)]

    def _request(self, question: Question) -> ChatRequest:
        options = "\n".join(f"- {self._shown(option)}" for option in question.options)
        return ChatRequest(SYSTEM, USER.format(options=options), (ChatImage(question.image),))

    def _answer(self, question: Question, reply: Reply) -> Answer:
        shown = {option: self._shown(option) for option in question.options}
        return Answer(parsed(reply, shown), "", reply.refusal or reply.text, reply.served_model)

    def _shown(self, option: str) -> str:
        if option not in self._labels:
            raise JudgeError(f"the judge knows no name for the region {option!r}; run `dvc repro bind_judge`")
        return self._labels[option]


def parsed(reply: Reply, shown: Mapping[str, str]) -> str:
    """The option that the reply consists of, else `unparseable`: what a longer reply may mean is not guessed.

    `shown`: option -> how it was shown.
    """
    if reply.refusal or reply.finish_reason in ("length", "content_filter"):
        return UNPARSEABLE
    said = reply.text.strip(_DECORATION).casefold()
    return next((option for option, label in shown.items() if label.strip(_DECORATION).casefold() == said), UNPARSEABLE)


def _all(replies: Sequence[Reply | Failure]) -> list[Reply]:
    failures = [reply for reply in replies if isinstance(reply, Failure)]
    if failures:
        reasons = sorted({f"{failure.reason} ({failure.detail})" for failure in failures})[:3]
        raise JudgeError(
            f"{len(failures)} of {len(replies)} questions got no reply: {'; '.join(reasons)}. The replies received are "
            "kept: run again when the endpoint is well, or correct its entry under `judges` in params.yaml"
        )
    return [reply for reply in replies if isinstance(reply, Reply)]
