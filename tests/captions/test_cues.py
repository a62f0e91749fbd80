"""Support and lift of cues against a plain count."""

from __future__ import annotations

import random
from typing import Any

import pandas as pd
import pytest

from culturebench.captions.cues import concentration, cue_table, held_back

RARE: Any = {"hat": {"grounded": False, "support": 1, "lift": 3.0}, "silk": {"grounded": True}}
ROW: Any = {"cues": ["hat", "silk"], "status": "kept", "audit": "", "audits": [], "reason": "", "detail": "",
            "provider": "openai"}  # fmt: skip


def test_support_and_lift_are_those_of_a_cross_table():
    dice = random.Random(0)
    regions = {
        name: [
            {"cues": sorted(dice.sample(["arch", "glaze", "thatch", "silk"], dice.randint(0, 3)))} for _ in range(size)
        ]
        for name, size in (("a", 40), ("b", 25), ("c", 10))
    }
    long = pd.DataFrame(
        [
            (name, number, cue)
            for name, rows in regions.items()
            for number, row in enumerate(rows)
            for cue in row["cues"]
        ],
        columns=["region", "picture", "cue"],
    )
    pictures = long.groupby("region")["picture"].nunique()
    cross = pd.crosstab(long["cue"], long["region"])
    lift = (cross / pictures).div(cross.sum(axis=1) / pictures.sum(), axis=0)
    table = cue_table(regions, 8, 0.9)
    assert len(table) == int((cross > 0).to_numpy().sum())
    for row in table:
        assert row["support"] == cross.loc[row["cue"], row["region"]]
        assert row["elsewhere"] == cross.loc[row["cue"]].sum() - row["support"]
        assert row["lift"] == pytest.approx(lift.loc[row["cue"], row["region"]], abs=1e-6)
        assert row["grounded"] == (row["support"] >= 8 and row["lift"] >= 0.9)


def test_only_a_kept_and_unaudited_caption_is_held_back():
    for audit in ("all", "rare"):
        assert held_back(ROW, RARE, audit)["reason"] == "rare_cue"
        for other in ({"audit": "correct"}, {"status": "waiting", "reason": "refused"}):
            assert held_back(ROW | other, RARE, audit) == ROW | other
    for cues in ([], ["silk"]):
        assert held_back(ROW | {"cues": cues}, RARE, "rare") == ROW | {"cues": cues}


def test_with_all_every_caption_that_a_model_wrote_waits_however_common_its_cues():
    common = ROW | {"cues": ["silk"]}
    assert held_back(common, RARE, "all")["reason"] == "not_audited"
    assert held_back(common | {"provider": "human+openai"}, RARE, "all")["reason"] == "not_audited"
    for provider in ("human", "atlas", "template", "human+template"):
        assert held_back(common | {"provider": provider}, RARE, "all") == common | {"provider": provider}


def test_a_caption_on_which_people_do_not_agree_yet_waits_whatever_is_audited():
    for audit in ("all", "rare"):
        held = held_back(ROW | {"cues": ["silk"], "audits": ["stereotype", "correct"]}, RARE, audit)
        assert (held["status"], held["reason"]) == ("waiting", "audit_undecided")
        assert held["detail"] == "audits: correct, stereotype"


def test_cues_are_as_concentrated_as_so_many_equally_frequent_ones():
    def rows(*supports: int) -> list[dict[str, Any]]:
        return [{"cue": f"c{n}", "support": k, "pictures": 40, "grounded": k > 2} for n, k in enumerate(supports)]

    assert concentration(rows(10, 10, 10, 10))["effective"] == pytest.approx(4)
    assert concentration(rows(40))["effective"] == 1
    found = concentration(rows(20, 1, 1))
    assert found["effective"] == pytest.approx(1 / ((20 / 22) ** 2 + 2 * (1 / 22) ** 2))
    assert (found["top"], found["top_pictures"], found["pictures"], found["grounded"], found["all"]) == (
        "c0",
        20,
        40,
        1,
        3,
    )
    assert concentration([]) == {
        "grounded": 0,
        "all": 0,
        "pictures": 0,
        "top": "",
        "top_pictures": 0,
        "effective": None,
    }


def test_no_cues_make_an_empty_table():
    assert cue_table({"a": [{"cues": []}], "b": []}, 1, 0) == []
