"""Limits of `relevance` from experts' verdicts on one half of the pictures, and what they do on the other half.

`PYTHONPATH=. python -m benchmarks.relevance` in a project whose stages `relevance`, with both limits null, and
`annotate` have run. `drop` is the lowest similarity of a picture that experts kept, `borderline` the 5% quantile of
theirs, both rounded down to a twentieth; halves are drawn by the pictures' ids. Shares are of the other half, with 95%
intervals by Wilson; on the atlas what was planted stands beside what experts said.
"""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from benchmarks._markdown import markdown_table
from culturebench.artifacts import annotated, candidates, relevance
from culturebench.params import load_document

SHARE = 0.05
STEP = 20
KEPT = "kept"


def main() -> None:
    """Print the limits and a table of the other half."""
    pictures = _pictures(load_document()["regions"])
    first = pictures["picture_id"].str[-1].isin(list("02468ace"))
    kept = pictures[first & (pictures["verdict"] == KEPT)]["similarity"]
    limits = {"drop": _down(float(kept.min())), "borderline": _down(float(kept.quantile(SHARE)))}
    print(f"limits from {len(kept)} pictures that experts kept: {limits}\n")
    other = pictures[~first]
    rows: list[list[str]] = []
    for column in ("verdict", "planted"):
        for name, group in other.groupby(column, sort=True):
            shares = (_share(int((group["similarity"] < limit).sum()), len(group)) for limit in limits.values())
            rows.append([column, str(name) or "good", str(len(group)), *shares])
    print(markdown_table(["by", "is", "pictures", *(f"below `{name}`" for name in limits)], rows))


def _pictures(regions: list[str]) -> pd.DataFrame:
    """Every picture that was compared and decided on: its similarity, the experts' verdict, what was planted."""
    rows: list[dict[str, object]] = []
    for region in regions:
        planted = {
            row["picture_id"]: row["planted"].partition(":")[0]
            for row in candidates.TABLE.load(Path(candidates.PATH.format(region=region)), ["picture_id", "planted"])
        }
        verdicts = {
            row["picture_id"]: row["reason"] or KEPT
            for row in annotated.TABLE.load(Path(annotated.PATH.format(region=region)))
        }
        for row in relevance.TABLE.load(Path(relevance.PATH.format(region=region))):
            name = row["picture_id"]
            if row["similarity"] is not None and name in verdicts:
                told = {"verdict": verdicts[name], "planted": planted[name]}
                rows.append({"picture_id": name, "similarity": row["similarity"], **told})
    return pd.DataFrame(rows)


def _down(value: float) -> float:
    return math.floor(value * STEP) / STEP


def _share(count: int, n: int) -> str:
    """In percent, with Wilson's interval."""
    z = 1.959964
    centre, spread = (count + z * z / 2) / (n + z * z), z / (n + z * z) * math.sqrt(count * (n - count) / n + z * z / 4)
    return f"{100 * count / n:.1f} ({100 * max(centre - spread, 0):.1f} to {100 * min(centre + spread, 1):.1f})"


if __name__ == "__main__":
    main()
