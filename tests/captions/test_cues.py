"""Support and lift of cues against a plain count."""

from __future__ import annotations

import random

import pandas as pd
import pytest

from culturebench.captions.cues import cue_table, held_back


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
    rare = {"hat": {"grounded": False, "support": 1, "lift": 3.0}, "silk": {"grounded": True}}
    row = {"cues": ["hat", "silk"], "status": "kept", "audit": "", "reason": "", "detail": ""}
    assert held_back(row, rare)["reason"] == "rare_cue"
    for other in ({"audit": "correct"}, {"cues": ["silk"]}, {"cues": []}, {"status": "waiting", "reason": "refused"}):
        assert held_back(row | other, rare) == row | other


def test_no_cues_make_an_empty_table():
    assert cue_table({"a": [{"cues": []}], "b": []}, 1, 0) == []
