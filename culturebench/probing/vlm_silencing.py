"""The test questions with all neurons at work and without each set of them, as rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from culturebench.artifacts.silenced import NOBODY, WHOLE
from culturebench.probing.selectors import CONTROL
from culturebench.vlm.asking import worded_item

if TYPE_CHECKING:
    from culturebench.artifacts.questions import QuestionRow
    from culturebench.artifacts.silenced import SilencedRow
    from culturebench.vlm.asking import Asking, Language, Reply
    from culturebench.vlm.neurons import Off


def silenced_rows(
    asking: Asking, questions: Sequence[QuestionRow], sets: Sequence[Off], languages: Sequence[Language], shown: str
) -> list[SilencedRow]:
    """Every answer.

    In further languages than the first only the neurons of `shown` and of the control are silenced; single layers in
    the first alone, and on questions about their own culture.
    """
    rows: list[SilencedRow] = []
    ordered = sorted(questions, key=lambda row: (row["culture"], row["picture_id"], row["question_id"]))
    for place, language in enumerate(languages):
        whole = [off for off in sets if off.layer == WHOLE and (not place or off.selector in (shown, CONTROL))]
        rows += _asked(asking, ordered, [None, *whole], language)
    for culture in sorted({row["culture"] for row in questions}):
        single = [off for off in sets if off.layer != WHOLE and off.culture == culture]
        if single:
            rows += _asked(asking, [row for row in ordered if row["culture"] == culture], single, languages[0])
    return rows


def _asked(
    asking: Asking, questions: Sequence[QuestionRow], sets: Sequence[Off | None], language: Language
) -> Iterator[SilencedRow]:
    items = [worded_item(row, language, asking.how) for row in questions]
    done = 0
    for batch in asking.run(items, sets, language):
        some = questions[done : done + len(batch[0])]
        done += len(some)
        for off, replies in zip(sets, batch, strict=True):
            yield from (_row(off, language, row, reply) for row, reply in zip(some, replies, strict=True))


def _row(off: Off | None, language: Language, row: QuestionRow, reply: Reply) -> SilencedRow:
    return {
        "selector": off.selector if off else NOBODY,
        "draw": off.draw if off else 0,
        "silenced": off.culture if off else NOBODY,
        "layer": off.layer if off else WHOLE,
        "language": language,
        "question_id": row["question_id"],
        "answer": reply.answer,
        "logits": list(reply.logits),
    }
