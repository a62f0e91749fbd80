"""Captions by a model that sees the picture, through any OpenAI-compatible endpoint."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from culturebench.captions.draft import (
    OTHER,
    Draft,
    Problem,
    Rules,
    captions_of,
    draft_schema,
    problems,
    tidy_cues,
    without_modifier,
)
from culturebench.captions.providers import Picture, Written
from culturebench.captions.spans import CaptionError
from culturebench.captions.told import REPAIR, Told, instructions
from culturebench.chat.client import ChatClient
from culturebench.chat.reply import BadReply, Failure, Reply
from culturebench.chat.request import ChatImage, ChatRequest

_MAX_DETAIL = 500
#: Endings of a question that say nothing about the endpoint: it was not sent, or the picture was at fault.
_NOT_ASKED = ("cost_limit", "bad_picture")


@dataclass(frozen=True)
class _Judged:
    """A reply with what is wrong with it; `draft` is None when it had no usable shape."""

    reply: Reply
    draft: Draft | None
    wrong: list[Problem]


class OpenAIProvider:
    """Asks once, and once more when the answer has faults; what is still wrong then is left to people."""

    def __init__(self, client: ChatClient, region: Told, max_length: int, min_answered: float) -> None:
        """`min_answered` is the share of answered questions worth going on."""
        self._client, self._min_answered = client, min_answered
        self._rules = Rules(region.language, region.script, region.iso, max_length)
        self._schema = draft_schema(tuple(region.subdivisions))
        self._system = instructions(region, max_length)

    def write(self, pictures: Sequence[Picture]) -> list[Written]:
        """Captions of the pictures that need a cultural one, and of the others what earlier runs were told and paid.

        Raises `CaptionError` when too few were answered.
        """
        settled = [picture for picture in pictures if picture.rejected or "cultural" in picture.found]
        written = {picture.picture_id: self._cached(picture) for picture in settled}
        wanted = [picture for picture in pictures if picture.picture_id not in written]
        written |= zip((picture.picture_id for picture in wanted), self._write(wanted), strict=True)
        return [written[picture.picture_id] for picture in pictures]

    def _cached(self, picture: Picture) -> Written:
        """What is known of a picture that people have settled; nothing is asked, and their other words stand."""
        rounds = self._cached_rounds(picture, self._question(picture))
        written = self._written(rounds) if rounds else Written()
        mine, theirs = written.captions.get("cultural"), picture.found.get("cultural")
        if mine and theirs and mine["text"] == theirs["text"]:
            return written
        return replace(written, captions={}, noun_drafts={})

    def _write(self, pictures: Sequence[Picture]) -> list[Written]:
        questions = [self._question(picture) for picture in pictures]
        self._enter_cached(pictures, questions)
        answers = self._client.ask_all(questions, "captions")
        self._check_enough(answers)
        judged = [self._judge(picture, answer) for picture, answer in zip(pictures, answers, strict=True)]
        faulty = [index for index, one in enumerate(judged) if isinstance(one, _Judged) and one.wrong]
        seconds = self._client.ask_all([self._repair(questions[i], judged[i]) for i in faulty], "repairs")
        repaired = {index: self._judge(pictures[index], answer) for index, answer in zip(faulty, seconds, strict=True)}
        self._tell_cost()
        return [self._written([one, repaired[i]] if i in repaired else [one]) for i, one in enumerate(judged)]

    def _enter_cached(self, pictures: Sequence[Picture], questions: Sequence[ChatRequest]) -> None:
        """Tell the ledger what repairs of earlier runs cost, before anything new is asked."""
        for picture, question in zip(pictures, questions, strict=True):
            self._cached_rounds(picture, question)

    def _cached_rounds(self, picture: Picture, question: ChatRequest) -> list[_Judged | Failure]:
        """The reply to a question and to its repair, as far as they were kept; both are entered in the ledger."""
        (reply,) = self._client.cached([question])
        if reply is None:
            return []
        first = self._judge(picture, reply)
        if isinstance(first, Failure) or not first.wrong:
            return [first]
        (second,) = self._client.cached([self._repair(question, first)])
        return [first, self._judge(picture, second)] if second else [first]

    def _tell_cost(self) -> None:
        """What artifacts cannot say: a try without an answer leaves no reply, and may have been billed."""
        ledger = self._client.ledger
        print(
            f"captions cost {ledger.paid:.4f}; tries without an answer at most {ledger.unanswered:.4f}", file=sys.stderr
        )

    def _question(self, picture: Picture) -> ChatRequest:
        filed = picture.subdivision or "none; name the one that you see"
        user = f"Subdivision according to the experts: {filed}"
        return ChatRequest(self._system, user, (ChatImage(picture.image),), self._schema)

    def _repair(self, question: ChatRequest, judged: _Judged | Failure) -> ChatRequest:
        assert isinstance(judged, _Judged)
        said = REPAIR.format(problems="\n".join(f"- {problem.detail}" for problem in judged.wrong))
        reply = judged.reply.text or judged.reply.refusal
        if not reply.strip():  # it was cut off while thinking, and endpoints refuse a message without text
            return replace(question, user=f"{question.user}\n\n{said}")
        return replace(question, earlier=((reply, said),))

    def _judge(self, picture: Picture, answer: Reply | Failure) -> _Judged | Failure:
        if isinstance(answer, Failure):
            return answer
        try:
            draft = answer.parsed(self._schema)
        except BadReply as error:
            return _Judged(answer, None, [Problem(error.reason, str(error))])
        return _Judged(answer, draft, problems(draft, self._rules, picture.subdivision))

    def _written(self, rounds: Sequence[_Judged | Failure]) -> Written:
        """What the rounds of one picture come to, with the price of all of them."""
        replies = [one.reply for one in rounds if isinstance(one, _Judged)]
        spent = Written(
            served_model=replies[-1].served_model if replies else "",
            input_tokens=sum(reply.input_tokens for reply in replies),
            output_tokens=sum(reply.output_tokens for reply in replies),
            cost=sum(self._client.ledger.price(reply) for reply in replies),
        )
        last = rounds[-1]
        if isinstance(last, Failure):
            return replace(spent, reason=last.reason, detail=last.detail)
        if last.wrong or last.draft is None:
            return replace(spent, reason=last.wrong[0].reason, detail=_told(last))
        captions = captions_of(last.draft, self._rules)
        subdivision = getattr(last.draft, "subdivision", OTHER)
        return replace(
            spent,
            captions=captions,
            noun_drafts={role.replace("cultural", "noun"): without_modifier(row) for role, row in captions.items()},
            cues=tidy_cues(last.draft.cues),
            subdivision="" if subdivision == OTHER else subdivision,
        )

    def _check_enough(self, answers: Sequence[Reply | Failure]) -> None:
        """Raise `CaptionError` when the endpoint rather than some pictures is at fault."""
        failures = [answer for answer in answers if isinstance(answer, Failure) and answer.reason not in _NOT_ASKED]
        asked = len(failures) + sum(isinstance(answer, Reply) for answer in answers)
        if asked and 1 - len(failures) / asked < self._min_answered:
            reasons = sorted({f"{failure.reason} ({failure.detail})" for failure in failures})[:3]
            raise CaptionError(
                f"only {asked - len(failures)} of {asked} questions were answered: {'; '.join(reasons)}. "
                "Answers are kept; run again when the endpoint is well, or lower caption.min_answered"
            )


def _told(judged: _Judged) -> str:
    """All problems and what the model said, for whoever writes the caption."""
    told = "; ".join(problem.detail for problem in judged.wrong)
    if judged.draft:
        told += " | " + json.dumps(judged.draft.model_dump(include={"caption", "caption_en"}), ensure_ascii=False)
    return told[:_MAX_DETAIL]
