"""The tables behind two choices: the strength of an edit, and how many neurons are taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from culturebench.artifacts.neurons import decided
from culturebench.report import published

if TYPE_CHECKING:
    from culturebench.artifacts.neurons import NeuronRow as Row
    from culturebench.artifacts.strength import Tuned


def strengths(edit: str, found: Tuned, paper: str) -> list[dict[str, Any]]:
    """One row per strength: `{strength, row, alignment, allowed, chosen, paper}`; `row` has value, low and high."""
    return [
        {
            "strength": point["strength"],
            "row": {"value": point["accuracy"], "low": point["low"], "high": point["high"]},
            "alignment": point["alignment"],
            "allowed": point["allowed"],
            "chosen": point["strength"] == found["strength"],
            "paper": published.by_strength(paper, point["strength"]) if edit == "amplify" else None,
        }
        for point in sorted(found["curve"], key=lambda point: point["strength"])
    ]


def elbows(neurons: Sequence[Row], regions: Sequence[str]) -> list[dict[str, Any]]:
    """One row per region and SAE seed: `{region, seed, k, elbow, decided, dropped, selected, first, inside, outside}`.

    `k` are the candidates, `elbow` how many the elbow alone gives, `decided` which of the two or which bound it was;
    `dropped` those candidates that nouns rank high too; `first`, `inside` and `outside` the scores of the first latent,
    of the last candidate, and of the next one.
    """
    groups: dict[tuple[str, int], list[Row]] = {}
    for row in neurons:
        groups.setdefault((row["region"], row["sae_seed"]), []).append(row)
    seeds = sorted({seed for _, seed in groups})
    return [
        _elbow(code, seed, sorted(groups[code, seed], key=lambda row: row["rank"]))
        for code in regions
        for seed in seeds
        if (code, seed) in groups
    ]


def _elbow(region: str, seed: int, ranked: Sequence[Row]) -> dict[str, Any]:
    inside = [row for row in ranked if row["candidate"]]
    outside = [row for row in ranked if not row["candidate"]]
    selected = sum(row["selected"] for row in ranked)
    found = ranked[0]["elbow"]
    return {
        "region": region,
        "seed": seed,
        "k": len(inside),
        "elbow": found,
        "decided": decided(len(inside), found),
        "dropped": len(inside) - selected,
        "selected": selected,
        "first": ranked[0]["score"],
        "inside": inside[-1]["score"] if inside else None,
        "outside": outside[0]["score"] if outside else None,
    }
