"""How often the study's intervals hold the planted truth, beside intervals that take every answer for evidence.

`python -m benchmarks.study_coverage` draws 400 studies of each design and writes the table of docs/study.md; about
ten seconds a design on one core. Each design is kept in the store: a stopped command goes on.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np

from culturebench.code import code_hash
from culturebench.measures.two_way import Said, TwoWay
from culturebench.progress import progress
from culturebench.stage import store_url
from culturebench.store import Store, key_of
from culturebench.study.simulate import Design, Planted, draw, truth_of

PAGE: Final = Path(__file__).parents[1] / "docs/study.md"
MARKS: Final = ("<!-- coverage -->", "<!-- end of coverage -->")
NUMBERS: Final = TwoWay(500, 0, 0.95)
STUDIES: Final = 400
SHARES: Final = Planted("share", base=-1.1, gain=0.8, prompt=1.0, person=0.5, both=0.7)
RATINGS: Final = Planted("rating", base=0.0, gain=0.5, prompt=0.5, person=0.4, both=0.4)
DESIGNS: Final = (Design(150, 50, 50, 5), Design(60, 50, 60, 6), Design(60, 200, 60, 6), Design(30, 15, 30, 5))


def covered(planted: Planted, design: Design, studies: int, numbers: TwoWay, seed: int = 0) -> dict[str, float]:
    """The share of studies whose interval of the difference holds the truth: `two_way`, and `naive`."""
    rng, truth = np.random.default_rng(seed), truth_of(planted)
    held = {"two_way": 0, "naive": 0}
    for _ in range(studies):
        noun, edited = draw(planted, rng, design)
        found = numbers.difference(edited, noun, share=True)
        assert found is not None and found.low is not None and found.high is not None
        held["two_way"] += found.low <= truth <= found.high
        held["naive"] += abs(found.value - truth) <= 1.96 * _naive_error(noun, edited)
    return {name: count / studies for name, count in held.items()}


def _naive_error(noun: list[Said], edited: list[Said]) -> float:
    """As if every answer were independent of all others."""
    sides = [np.array([value for _, _, value in side]) for side in (noun, edited)]
    return float(sum(side.var(ddof=1) / len(side) for side in sides)) ** 0.5


def main() -> None:
    """Fill the table in."""
    store = Store(store_url())
    rows = ["| answers | prompts × people × items | two-way | every answer for itself |", "|---|---|---|---|"]
    code = code_hash("measures/two_way.py", "study/simulate.py", reached=True)
    for planted, design in progress([(p, d) for p in (SHARES, RATINGS) for d in DESIGNS], None, "designs"):
        key = key_of({"code": code, "planted": asdict(planted), "design": asdict(design), "studies": STUDIES})
        kept = store.get(key)
        found = json.loads(kept) if kept else covered(planted, design, STUDIES, NUMBERS)
        store.put(key, json.dumps(found).encode())
        what = f"{design.prompts} × {design.people} × {design.items}"
        name = "yes or no" if planted.kind == "share" else "1 to 5"
        rows.append(f"| {name} | {what} | {found['two_way']:.1%} | {found['naive']:.1%} |")
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    table = "\n".join(rows)
    PAGE.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
