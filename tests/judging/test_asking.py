"""CultureVQA as it is asked, and as the atlas's classifiers answer it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PIL import Image

from culturebench.artifacts.answers import ANGLO
from culturebench.engine.worker import Worker
from culturebench.judging.asking import Asker, ask, by_engine
from culturebench.judging.atlas import best_option
from culturebench.judging.base import Answer, PictureQuestion, Question, shuffled
from culturebench.params.engine import Engine
from culturebench.png import to_png

REGIONS = ["jp", "nl", "ua"]
LOCAL = Engine(kind="local", workers=1, address=None, cpus_per_worker=1, gpus_per_worker=0)


class FirstOption:
    """A judge that is always wrong in the same way: it answers with the option shown first."""

    def answer(self, images: Sequence[Image.Image], options: Sequence[Sequence[str]]) -> list[Answer]:
        assert all(image.mode == "RGB" for image in images)
        return [Answer(shown[0], "", f"I say {shown[0]}", "first-1") for shown in options]

    def pick(
        self, images: Sequence[Sequence[Image.Image]], options: Sequence[Sequence[str]], regions: Sequence[str]
    ) -> list[Answer]:
        return [
            Answer(shown[-1], "", f"{region}: {len(own)}", "last-1")
            for own, shown, region in zip(images, options, regions, strict=True)
        ]


FIRST = by_engine(Worker(lambda: Asker(FirstOption())), LOCAL)


def test_questions_of_both_forms_get_their_own_answers_in_their_places():
    one, two = (to_png(Image.new("RGB", (4, 4), colour)) for colour in ("red", "blue"))
    asked = [PictureQuestion((one, two), ["a", "b"], "jp"), Question(one, ["nl", "jp"]),
             PictureQuestion((two,), ["b"], "nl")]  # fmt: skip
    found = FIRST(asked)
    assert [(answer.answer, answer.raw) for answer in found] == [("b", "jp: 2"), ("nl", "I say nl"), ("b", "nl: 1")]


def picture(prompt: str, seed: int, condition: str = "noun") -> dict[str, Any]:
    image = to_png(Image.new("RGB", (4, 4)))
    return {"prompt_id": prompt, "region": "jp", "condition": condition, "seed": seed, "image": image}


def test_the_options_are_the_runs_regions_and_unrecognizable_in_the_order_shown():
    rows = ask(FIRST, [picture("a", seed) for seed in range(20)], REGIONS, seed=0)
    assert all(sorted(row["options"]) == sorted([*REGIONS, "unrecognizable"]) for row in rows)
    assert all(row["answer"] == row["options"][0] for row in rows)
    assert len({row["answer"] for row in rows}) == 4  # no option stands first by habit


def test_the_order_is_the_questions_own_and_the_same_under_every_condition():
    first, again, other = (
        ask(FIRST, [picture("a", 1, name)], REGIONS, seed=seed)[0]["options"]
        for name, seed in (("noun", 0), ("amplified", 0), ("noun", 5))
    )
    assert first == again
    assert any(shuffled(REGIONS, 0, f"p{n}", 0) != shuffled(REGIONS, 5, f"p{n}", 0) for n in range(5)), other


def test_the_reply_is_kept_as_it_came_with_the_model_that_gave_it():
    row = ask(FIRST, [picture("a", 0)], REGIONS, seed=0)[0]
    assert row["raw"] == f"I say {row['answer']}"
    assert row["served_model"] == "first-1"


def test_a_classifier_answers_with_the_best_of_the_options_only():
    scores = {"jp": 0.1, "cn": 0.7, "nl": 0.15, "plain": 0.05}
    assert best_option(scores, ["jp", "nl", "unrecognizable"]) == "nl"
    assert best_option({**scores, "plain": 0.2}, ["jp", "nl", "unrecognizable"]) == "unrecognizable"


def test_plain_and_unrecognizable_count_together_for_the_option_that_means_both():
    scores = {"jp": 0.4, "cn": 0.0, "plain": 0.25, "unrecognizable": 0.35}
    assert best_option(scores, ["jp", "cn", "unrecognizable"]) == "unrecognizable"
    assert best_option({**scores, "jp": 0.7}, ["jp", "cn", "unrecognizable"]) == "jp"


def test_a_region_that_the_classifier_never_learned_is_never_answered():
    assert best_option({"jp": 0.0, "plain": 0.0}, ["atlantis", "jp", "unrecognizable"]) == "jp"


def test_an_option_that_is_no_region_is_shown_only_where_it_is_asked_for_and_leaves_the_others_in_their_order():
    shown: Any = [{"prompt_id": "a", "region": "jp", "condition": "noun", "seed": 0,
                   "image": to_png(Image.new("RGB", (4, 4)))}]  # fmt: skip
    (before,), (after,) = (ask(FIRST, shown, REGIONS, 0, anglo=anglo) for anglo in (False, True))
    assert ANGLO not in before["options"] and ANGLO in after["options"]
    assert [option for option in after["options"] if option != ANGLO] == before["options"]
    assert best_option({"jp": 0.0, "nl": 0.0}, [ANGLO, "jp"]) == "jp"  # the atlas's judges never learned it
