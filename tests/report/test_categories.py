"""K-StyleLoRA's categories: each adapter beside the same prompts without it, and nothing where there are no prompts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from culturebench.evaluation.adapters import TAKEN, Found, category_rows, shown_by_category
from culturebench.evaluation.names import POOLED
from culturebench.measures.statistics import Bootstrap
from culturebench.report.categories import by_category

CSS = ("", "cultural_similarity")
#: Of the six prompts p0 to p5: as the data names them.
CATEGORIES = {"p0": "clothing", "p1": "clothing", "p2": "fashion", "p3": "architecture", "p4": "instruments", "p5": ""}
PLAIN = {"p0": 0.20, "p1": 0.27, "p2": 0.22, "p3": 0.30, "p4": 0.10, "p5": 0.15}
GAIN = {"p0": 0.05, "p1": 0.01, "p2": 0.03, "p3": 0.0, "p4": -0.02, "p5": 0.0}


def planted(reason: str = "") -> Any:
    """Generic prompts without and with an adapter, each scored as above under two seeds."""
    values = {0.0: PLAIN, 1.0: {name: PLAIN[name] + GAIN[name] for name in PLAIN}}
    groups: dict[Any, Found] = {}
    for strength, of in values.items():
        scores = {(name, seed): value + 0.01 * seed for name, value in of.items() for seed in (0, 1)}
        taken = {key: float(key[0] == "p0") for key in scores}
        groups["english_noun", strength] = Found(
            {(POOLED, TAKEN): taken, **({} if reason else {CSS: scores})}, {CSS: reason} if reason else {}
        )
    rows = category_rows(groups, CATEGORIES, Bootstrap(200, 0, 0.95))
    return {(row["strength"], row["judge"], row["measure"], row["category"]): row for row in rows}


def test_intervals_are_students_over_the_prompts_of_a_category_with_both_seeds_of_a_prompt_together() -> None:
    rows = planted()
    fashion = rows[1.0, *CSS, "fashion"]
    prompts = np.array([PLAIN[name] + GAIN[name] + 0.005 for name in ("p0", "p1", "p2")])
    low, high = stats.t.interval(0.95, 2, prompts.mean(), stats.sem(prompts))
    assert (fashion["value"], fashion["low"], fashion["high"]) == pytest.approx((prompts.mean(), low, high))
    gains = np.array([GAIN[name] for name in ("p0", "p1", "p2")])
    low, high = stats.t.interval(0.95, 2, gains.mean(), stats.sem(gains))
    assert (fashion["change"], fashion["change_low"], fashion["change_high"]) == pytest.approx((0.03, low, high))
    assert (fashion["n_prompts"], fashion["n_images"]) == (3, 6)


def test_a_single_prompt_has_a_value_and_no_interval_and_nothing_is_invented_for_what_has_none() -> None:
    rows = planted()
    assert rows[1.0, *CSS, "instruments"]["change"] == pytest.approx(-0.02)
    assert rows[1.0, *CSS, "architecture"]["low"] is rows[1.0, *CSS, "architecture"]["change_low"] is None
    assert {key[3] for key in rows} == {"fashion", "architecture", "instruments", ""}
    assert rows[0.0, *CSS, "fashion"]["change"] is None


def test_a_score_that_was_not_run_is_null_with_its_reason_in_every_category_and_the_judges_stand() -> None:
    rows = planted("needs the weights of a CLIP")
    css = [row for key, row in rows.items() if key[2] == "cultural_similarity"]
    assert len(css) == 8 and {(row["value"], row["reason"]) for row in css} == {(None, "needs the weights of a CLIP")}
    assert rows[1.0, POOLED, TAKEN, "fashion"]["value"] == pytest.approx(1 / 3)


def test_of_a_category_the_first_prompt_that_has_both_kinds_of_pictures_is_shown() -> None:
    def some(names: str) -> Any:
        return [{"prompt_id": name, "seed": seed} for name in names.split() for seed in (1, 0)]

    pictures = {("english_noun", 0.0): some("p0 p1 p3"), ("english_cultural", 0.0): some("p2 p1 p3")}
    shown = [(one["category"], one["prompt_id"], one["seed"]) for one in shown_by_category(pictures, CATEGORIES)]
    assert shown == [("architecture", "p3", 0), ("fashion", "p1", 0)]


def test_the_page_has_each_picture_beside_the_same_prompt_without_an_adapter_and_says_what_is_not_there(
    small_run: Any,
) -> None:
    page = small_run.report().read_text(encoding="utf-8")
    start = page.index("By category, as in K-StyleLoRA")
    figure = page[start : page.index("</figure>", start)]
    assert figure.count("<img") == 2 * 3 * 2, "two categories, without and with two adapters, explicit and generic"
    assert figure.count("no test prompt</td>") == 3, "architecture, portrait and landscape have none"
    assert "Atlas, not comparable" in figure and "Explicit, k_style" in figure and "k_style_random" not in figure
    table = page[page.index("CSS by category") :]
    table = table[: table.index("</figure>")]
    assert "CSS was not run: it needs the weights of a CLIP." in table and "Nothing is resampled" in table
    assert table.count("no test prompt of this category") == 3 * 2
    assert "k_style_random" in table, "the control stands beside what it controls"


def test_of_several_adapters_of_a_kind_the_one_without_controls_is_in_the_figure() -> None:
    def adapter(kind: str, **changed: Any) -> Any:
        results: Any = {
            "kind": kind, "region": "jp", "concepts": "region", "preserve": 0.0, "shown": [],
            "by_category": [{"category": "art", "set": "english_noun", "strength": 0.0, "judge": "", "measure": CSS[1],
                             "value": 0.2, "n_prompts": 1, "change": None}], **changed,
        }  # fmt: skip
        return type("Adapter", (), {"results": results, "pictures": []})()

    found = {
        "held": adapter("standard", preserve=1.0), "plain": adapter("standard"),
        "random": adapter("k_style", concepts="random"), "whole": adapter("k_style"),
        "elsewhere": adapter("standard", region="nl"),
    }  # fmt: skip
    japan, netherlands = by_category(found, 64)
    assert [row["label"] for row in japan["figure"]["rows"]] == ["without an adapter", "plain", "whole"] * 2
    assert netherlands["region"] == "nl" and japan["tables"][0]["columns"][1:] == ["held", "plain", "random", "whole"]
