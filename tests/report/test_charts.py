"""Charts draw what the rows say."""

from __future__ import annotations

import re
from typing import Any

from culturebench.report.charts import BY_INDEX, MAX_BY_INDEX, index_charts

REGIONS = ["arab", "cn", "jp", "kr", "th", "de", "ru", "it", "nl", "pl", "tr", "ua"]


def scored(region: str, seed: int, scores: dict[int, float], selected: set[int]) -> list[Any]:
    """A region's latents with their scores, ranked."""
    ranked = sorted(scores, key=lambda latent: -scores[latent])
    return [
        {
            "region": region, "sae_seed": seed, "latent": latent, "score": scores[latent], "rank": rank,
            "selected": latent in selected,
        }
        for rank, latent in enumerate(ranked)
    ]  # fmt: skip


def test_scores_by_index_are_those_of_six_regions_that_nobody_picked() -> None:
    rows = [row for code in REGIONS for row in scored(code, 0, {3: 1.0}, {3})]
    assert [panel["region"] for panel in index_charts(rows, REGIONS)] == ["arab", "jp", "th", "ru", "nl", "tr"]
    assert len(index_charts(rows, REGIONS)) == BY_INDEX
    assert [panel["region"] for panel in index_charts(rows, ["jp", "nl"])] == ["jp", "nl"]


def test_a_score_stands_at_its_latents_index_with_its_rank_beside() -> None:
    scores = {0: 0.0, 10: 0.5, 20: 1.0, 30: 0.25, 40: 0.1, 50: 0.05}
    other_seed = scored("jp", 1, {0: 9.0, 50: 8.0}, {0, 50})
    (panel,) = index_charts([*scored("jp", 0, scores, {20, 30}), *other_seed], ["jp"])
    assert re.findall(r"<title>(.*?)</title>", panel["svg"]) == [
        "latent 20: rank 1, 1.000",
        "latent 30: rank 3, 0.250",
    ]
    assert re.findall(r"#\d+", panel["svg"]) == ["#1", "#2", "#3"]
    lines = re.findall(r'class="whisker (\w*)" x1="([\d.]+)"', panel["svg"])
    assert [style for style, _ in lines] == ["", "grey", "", "grey", "grey"]  # by rank; a score of 0 is no line
    places = [float(x) for _, x in lines]
    assert sorted(places) == [places[i] for i in (1, 0, 2, 3, 4)]  # by index: 10, 20, 30, 40, 50


def test_only_the_largest_of_many_scores_are_drawn() -> None:
    scores = {latent: 1 / (1 + latent) for latent in range(4096)}
    (panel,) = index_charts(scored("jp", 0, scores, {0}), ["jp"])
    assert panel["svg"].count('class="whisker') == MAX_BY_INDEX
