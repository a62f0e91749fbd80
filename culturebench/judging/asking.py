"""Judges by kind, and a whole condition's pictures put to one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

from culturebench.artifacts import labels
from culturebench.artifacts.answers import ANGLO, UNRECOGNIZABLE
from culturebench.artifacts.pins import Pin, load as load_pin
from culturebench.engine.batches import map_batches
from culturebench.engine.worker import Cached, Worker, in_batches
from culturebench.extras import needed
from culturebench.judging.atlas import AtlasClassifier
from culturebench.judging.base import Answer, Judge, PictureQuestion, Question, shuffled
from culturebench.judging.worded import AnyQuestion
from culturebench.pins import fingerprint, pin_path, verified
from culturebench.png import from_png

if TYPE_CHECKING:
    from culturebench.artifacts.answers import AnswerRow
    from culturebench.params.engine import Engine
    from culturebench.params.judges import AtlasJudge, LocalJudge, ServedJudge
    from culturebench.store import Store

BATCH = 64  # pictures that a judge sees at once

#: Takes questions, gives one answer each.
Answering = Callable[[Sequence[AnyQuestion]], Sequence[Answer]]


def open_judge(
    chosen: AtlasJudge | LocalJudge | ServedJudge,
    bound: Path,
    engine: Engine,
    store: Store,
    secret: Callable[[str], str | None],
    anglo: str | None = None,
) -> Answering:
    """The judge of an entry of `judges` with what bind_judge gathered for it in the folder `bound`.

    `store` keeps slow and paid replies; `secret` gives the value of a named key, None when it is not set; `anglo`
    is the name of the option ANGLO, if that is shown.
    """
    if chosen.kind == "atlas":
        pin = pin_path(bound, chosen.pin)
        return by_engine(Worker(partial(_load_atlas, load_pin(pin), _served_model(pin))), engine)
    # Imported here: the libraries take seconds, and most projects' stages never ask them.
    names = labels.load(bound / Path(labels.PATH).name)
    names = {**names, ANGLO: anglo} if anglo else names
    if chosen.kind == "transformers":
        from culturebench.judging import transformers

        pin = pin_path(bound, chosen.pin)
        worker = transformers.local_worker(chosen, load_pin(pin), names, _served_model(pin))
        cached = transformers.cached_replies(chosen, fingerprint(pin), names, store)
        return by_engine(worker, engine, chosen.batch, cached)
    with needed("pipeline"):
        from culturebench.chat.client import ChatClient
        from culturebench.judging import openai

    key = secret(chosen.key_variable) if chosen.key_variable else None
    return openai.ServedJudge(ChatClient(chosen, store, key), names)


def _served_model(pin: Path) -> str:
    """What stands with every answer: which weights, whatever they are called."""
    return f"{pin.stem}@{fingerprint(pin)[:12]}"


def by_engine(
    judge: Worker[AnyQuestion, Answer],
    engine: Engine,
    size: int = BATCH,
    cached: Cached[AnyQuestion, Answer] | None = None,
) -> Answering:
    """A judge whose batches go to the engine's workers; with `cached`, those that were answered before do not."""

    def answer(questions: Sequence[AnyQuestion]) -> list[Answer]:
        batches = list(in_batches(questions, size))
        label = "CultureVQA" if len(batches) > 1 else None  # one batch, such as one picture, has no progress to tell
        done = map_batches(judge, batches, engine=engine, label=label, total=len(batches), cached=cached)
        return [cast(Answer, answer) for batch in done for answer in batch]

    return answer


def _load_atlas(pin: Pin, served_model: str) -> Asker:
    return Asker(AtlasClassifier(verified(pin), served_model))


class Asker:
    """A loaded judge that answers batches of questions."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def __call__(self, questions: Sequence[AnyQuestion]) -> list[Answer]:
        """One answer per question."""
        of_one = [question for question in questions if isinstance(question, Question)]
        of_many = [question for question in questions if isinstance(question, PictureQuestion)]
        images = [from_png(question.image) for question in of_one]
        answers = iter(self._judge.answer(images, [question.options for question in of_one]))
        picked = iter(
            self._judge.pick(
                [[from_png(image) for image in question.images] for question in of_many],
                [question.options for question in of_many],
                [question.region for question in of_many],
            )
            if of_many
            else ()
        )
        return [next(answers if isinstance(question, Question) else picked) for question in questions]


class Filed(TypedDict):
    """What an answer is filed by."""

    prompt_id: str
    region: str
    condition: str
    seed: int


class Shown(Filed):
    """What of a row of the pictures artifact a judge is shown, and what its answer is filed by."""

    image: bytes


def ask(
    judge: Answering, pictures: Sequence[Shown], regions: Sequence[str], seed: int, *, anglo: bool = False
) -> list[AnswerRow]:
    """CultureVQA on pictures: rows of the answers artifact.

    The options are `regions`, "unrecognizable" and if asked for ANGLO, in an order that `seed` and the question decide.
    """
    offered = [*regions, UNRECOGNIZABLE, *([ANGLO] if anglo else [])]
    options = [shuffled(offered, seed, row["prompt_id"], row["seed"]) for row in pictures]
    return put(judge, pictures, options)


def put(judge: Answering, pictures: Sequence[Shown], options: Sequence[list[str]]) -> list[AnswerRow]:
    """As `ask`, with each picture's own options in the order shown."""
    questions = [Question(row["image"], shown) for row, shown in zip(pictures, options, strict=True)]
    return answer_rows(pictures, questions, judge(questions))


def answer_rows(shown: Sequence[Filed], questions: Sequence[AnyQuestion], answers: Sequence[Answer]) -> list[AnswerRow]:
    """Rows of the answers artifact: each answer with its question's options, under what it is filed by."""
    return [
        {
            "prompt_id": row["prompt_id"],
            "region": row["region"],
            "condition": row["condition"],
            "seed": row["seed"],
            "answer": answer.answer,
            "object": answer.object,
            "raw": answer.raw,
            "served_model": answer.served_model,
            "options": question.options,
        }
        for row, question, answer in zip(shown, questions, answers, strict=True)
    ]
