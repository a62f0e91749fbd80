"""What silencing did, held to closed forms and to a model without culture neurons."""

from __future__ import annotations

import numpy as np
import pytest

from culturebench.evaluation.silenced import Answers, summary
from culturebench.measures.statistics import Bootstrap
from planted_audit import answers, neurons, questions, two_of_three

CULTURES = ("jp", "nl", "it", "de")
BOOTSTRAP = Bootstrap(1000, 0, 0.95)
ABOUT = {"questions": "x", "scoring": "generate", "shown": "cas", "control": "random"}
SELECTORS = ("cas", "random")


def test_effects_are_the_differences_that_were_planted() -> None:
    asked = questions(CULTURES, 6)
    found = summary(asked, answers(asked, SELECTORS, two_of_three), neurons(CULTURES, SELECTORS), BOOTSTRAP, ABOUT)
    cas, random = (found["effects"]["native"][name] for name in SELECTORS)

    def value(one: object) -> float:
        assert isinstance(one, dict)
        return one["value"]

    assert {key: value(cas[key]) for key in ("own", "other", "selective", "beyond_random", "neutral")} == {
        "own": -1.0, "other": 0.0, "selective": -1.0, "beyond_random": -1.0, "neutral": 0.0,
    }  # fmt: skip
    assert [value(cas[key]) for key in ("flip_own", "right_to_wrong", "wrong_to_right", "flip_other")] == [1, 1, 0, 0]
    assert value(random["own"]) == 0 and random["beyond_random"] is None
    assert value(found["baseline"]["native"]) == 1 and found["chance"] == 0
    diagonal = {cell["silenced"]: cell["change"] for cell in found["matrix"] if cell["silenced"] == cell["asked"]}
    assert diagonal == dict.fromkeys(CULTURES, -1.0)
    assert {cell["change"] for cell in found["matrix"] if cell["silenced"] != cell["asked"]} == {0.0}
    layers = [(row["layer"], row["share"], row["own"] and row["own"]["value"]) for row in found["layers"]]
    assert layers == [(0, 0.5, -1.0), (1, 0.5, -1.0), (2, 0.0, None), (3, 0.0, None)]
    assert found["neurons"] == {"cas": 2.0, "random": 2.0}
    assert all(row["own"] and row["own"]["value"] == -1 for row in found["cultures"])


def test_an_answer_that_comes_right_counts_as_a_flip_of_its_own_kind() -> None:
    asked = questions(CULTURES, 6)
    rows = answers(asked, SELECTORS, lambda name, silenced, culture, number: name == "cas" and silenced == culture)
    effects = summary(asked, rows, neurons(CULTURES, SELECTORS), BOOTSTRAP, ABOUT)["effects"]["native"]["cas"]
    found = [effects[key] for key in ("own", "flip_own", "right_to_wrong", "wrong_to_right")]
    assert [one["value"] for one in found if one] == [1, 1, 0, 1]


def test_silencing_nothing_flips_nothing() -> None:
    asked = questions(CULTURES, 6)
    rows = answers(asked, SELECTORS, lambda name, silenced, culture, number: number % 5 != 0)
    effects = summary(asked, rows, neurons(CULTURES, SELECTORS), BOOTSTRAP, ABOUT)["effects"]["native"]["cas"]
    assert {one["value"] for one in effects.values() if one} == {0.0}


def test_categories_count_alike_however_many_questions_they_have() -> None:
    """One culture is asked about dishes alone; its effect is that of dishes."""
    asked = [row for row in questions(CULTURES, 8) if row["culture"] != "jp" or row["category"] == "dish"]
    dishes = {number for number, row in enumerate(asked) if row["category"] == "dish"}
    rows = answers(asked, SELECTORS, lambda name, silenced, culture, n: not (silenced == culture and n in dishes))
    found = Answers({row["question_id"]: row for row in asked})
    for row in rows:
        found.add(row)
    own, others = found.balanced(found.own("cas")), found.balanced(found.others("cas"))
    assert np.mean(list(own.values())) - np.mean(list(others.values())) == pytest.approx(
        -0.5
    )  # dishes fall, regions not
    plain = np.mean(list(found.own("cas").values())) - np.mean(list(found.others("cas").values()))
    assert plain == pytest.approx(-32 / 56)  # 32 dishes of 56 cultural questions


def test_a_model_without_culture_neurons_off_its_ceiling_has_no_selective_effect() -> None:
    """Answers that silencing changes at random, 70% right: the interval holds 0 as often as it says."""
    covered = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        asked = questions(CULTURES, 12)
        rows = answers(asked, SELECTORS, lambda *_, rng=rng: bool(rng.random() < 0.7))
        found = summary(asked, rows, neurons(CULTURES, SELECTORS), Bootstrap(300, seed, 0.95), ABOUT)
        one = found["effects"]["native"]["cas"]["selective"]
        assert one and one["low"] is not None and one["high"] is not None
        covered += one["low"] <= 0 <= one["high"]
    assert covered >= 35  # of 40; 34 or fewer have a chance of 1.4% at 95%


def test_further_languages_stand_beside_the_first() -> None:
    asked = questions(CULTURES, 4)
    rows = answers(asked, SELECTORS, two_of_three, ("native", "english"))
    found = summary(asked, rows, neurons(CULTURES, SELECTORS), BOOTSTRAP, ABOUT)
    assert list(found["effects"]) == list(found["baseline"]) == ["native", "english"]
    assert found["effects"]["english"]["cas"] == found["effects"]["native"]["cas"]
