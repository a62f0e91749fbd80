"""How often the evaluation's intervals hold the truth, and how often its tests err, on runs whose truth is known.

`python -m benchmarks.coverage` simulates runs of 15 regions, 4 prompts each and 4 pictures a prompt, from logits that
spread over regions, over prompts, and over what a condition changes in a region, and writes the table of
docs/coverage.md. Each row takes about a minute on one core and is kept in the store: a stopped command goes on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks._markdown import markdown_table
from culturebench.code import code_hash
from culturebench.measures.paired_test import SignFlip
from culturebench.measures.statistics import Bootstrap
from culturebench.measures.units import Units
from culturebench.pins import sha256_of
from culturebench.progress import progress
from culturebench.stage import store_url
from culturebench.store import Store, key_of

Floats = NDArray[np.float64]
PAGE: Final = Path(__file__).parents[1] / "docs/coverage.md"
BOOTSTRAP, TEST = Bootstrap(1000, 0, 0.95), SignFlip(1000, 0)
REGIONS, PROMPTS, SEEDS = 15, 4, 4  # as on the atlas
REGION_OF: Final = {f"{r:02d}-{p}": f"{r:02d}" for r, p in product(range(REGIONS), range(PROMPTS))}
BY_PROMPT, BY_REGION = Units("prompt", REGION_OF), Units("region", REGION_OF)
PROMPT_SPREAD = 0.7  # standard deviation of a prompt's logit
COLUMNS: Final = ("share", "change", "region's share", "region's change")


@dataclass(frozen=True)
class Case:
    """One kind of run; all but `name` are logits, the last two standard deviations over regions."""

    name: str
    base: float
    edit: float  # what the condition adds
    regions: float = 1.0
    edits: float = 0.7  # of what it adds


CASES: Final = (
    Case("often, and more often", -0.8, 1.0),
    Case("rarely, and a little more often", -4.0, 0.5),
    Case("very rarely, and a little more often", -5.0, 0.5),
    Case("rarely, and often", -4.0, 4.0),
    Case("almost always, and rarely", 2.5, -4.0),
    Case("almost always, and a little more often", 2.5, 0.5),
    Case("half of the time, without an effect", 0.0, 0.0, edits=0.0),
    Case("half of the time, changed up and down", 0.0, 0.0, edits=1.0),
    Case("rarely, without an effect", -4.0, 0.0, edits=0.0),
)


def scores(values: NDArray[Any]) -> dict[tuple[str, int], float]:
    """Of values (regions, prompts, seeds)."""
    shape = (range(REGIONS), range(PROMPTS), range(SEEDS))
    return {(f"{r:02d}-{p}", s): float(values[r, p, s]) for r, p, s in product(*shape)}


def simulated(case: Case, runs: int, rng: np.random.Generator, *, new: bool) -> Mapping[str, float]:
    """Shares of runs: intervals that cover the truth, by `COLUMNS`, and tests that `rejected`.

    With `new` every run has other regions, and the truth is that of all regions; else all runs have the same.
    """
    some = rng.normal(0, PROMPT_SPREAD, 4000)
    fixed, everywhere = _drawn(case, REGIONS, rng, new=new), _truth(case, *_drawn(case, 1500, rng, new=new), some)
    counts: dict[str, list[bool]] = {}
    for _ in progress(range(runs), runs, f"{case.name}, {'new' if new else 'same'} regions"):
        own, changed = _drawn(case, REGIONS, rng, new=new) if new else fixed
        here = _truth(case, own, changed, some)
        before, after = (side.mean() for side in (everywhere if new else here))
        plain, edited = _pictures(case, own, changed, rng)
        units = BY_REGION if new else BY_PROMPT
        change = BOOTSTRAP.difference(edited, plain, units, share=True)
        found = BOOTSTRAP.means_by_region(edited, BY_PROMPT, share=True)
        changes = BOOTSTRAP.differences_by_region(edited, plain, BY_PROMPT, share=True)
        share = BOOTSTRAP.mean(edited, units, share=True)
        cases: list[tuple[str, Any, float]] = [("share", share, after), ("change", change, after - before)]
        for i, code in enumerate(sorted(set(REGION_OF.values()))):
            cases.append(("region's share", found[code], here[1][i]))
            cases.append(("region's change", changes[code], here[1][i] - here[0][i]))
        for name, one, true in cases:
            assert one.high - one.low > 1e-6, "an interval without any width"
            counts.setdefault(name, []).append(one.low <= true <= one.high)
        counts.setdefault("rejected", []).append((TEST.p_value(edited, plain, units) or 1.0) <= 0.05)
    return {name: float(np.mean(hits)) for name, hits in counts.items()}


def _drawn(case: Case, count: int, rng: np.random.Generator, *, new: bool) -> tuple[Floats, Floats]:
    """Regions' own logits, and what is added to each; of the same regions the latter cancel out."""
    own, changed = rng.normal(0, case.regions, count), rng.normal(0, case.edits, count)
    return own, changed - (0 if new else changed.mean())


def _truth(case: Case, own: Floats, changed: Floats, prompts: Floats) -> tuple[Floats, Floats]:
    """Each region's share without and with the condition, over all prompts that it could have."""
    logits = case.base + own[:, None] + prompts
    return _share(logits).mean(axis=1), _share(logits + case.edit + changed[:, None]).mean(axis=1)


def _pictures(
    case: Case, own: Floats, changed: Floats, rng: np.random.Generator
) -> tuple[dict[tuple[str, int], float], dict[tuple[str, int], float]]:
    """What a judge says of each picture without and with the condition."""
    logits = (case.base + own[:, None] + rng.normal(0, PROMPT_SPREAD, (REGIONS, PROMPTS)))[..., None]
    uniform = rng.random((2, REGIONS, PROMPTS, SEEDS))
    plain = scores(uniform[0] < _share(logits))
    return plain, scores(uniform[1] < _share(logits + case.edit + changed[:, None, None]))


def _share(logits: NDArray[Any]) -> NDArray[Any]:
    return 1 / (1 + np.exp(-logits))


def main(argv: Sequence[str] | None = None) -> None:
    """Simulate what is not in the store, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="simulated runs a row")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page that is written")
    chosen = parser.parse_args(argv)
    store, same = Store(store_url()), {
        "code": code_hash("measures/statistics.py", "measures/paired_test.py", reached=True),
        "own code": sha256_of(Path(__file__)),
        "runs": chosen.runs,
    }  # fmt: skip
    rows: list[tuple[Case, bool, Mapping[str, float]]] = []
    for number, (case, new) in enumerate(product(CASES, (False, True))):
        key = key_of({**same, **asdict(case), "new": new})
        kept = store.get(key)
        if kept is None:
            kept = json.dumps(simulated(case, chosen.runs, np.random.default_rng(number), new=new)).encode()
            store.put(key, kept)
        rows.append((case, new, json.loads(kept)))
    chosen.page.write_text(page(rows, chosen.runs), encoding="utf-8")
    print(f"The page is at {chosen.page}")


HEAD: Final = """# How often intervals hold the truth

`python -m benchmarks.coverage` writes this page: {runs} simulated runs a row, whose truth is known, of {regions}
regions, {prompts} prompts each, and {seeds} pictures a prompt. Intervals are nominal at 95%, tests at 5%; one standard
error of a column over all regions is {error:.1f} points.

*These regions*: the same in every run, intervals and tests by prompt. *Regions like these*: others in every run, by
region. One region's intervals are by prompt in both.
"""


def page(rows: Sequence[tuple[Case, bool, Mapping[str, float]]], runs: int) -> str:
    """The page as Markdown."""
    error = 100 * (0.95 * 0.05 / runs) ** 0.5
    head = ["The region is named", "for", *COLUMNS, "no effect, but found"]
    lines: list[list[str]] = []
    for case, new, found in rows:
        null = case.edit == 0 and (new or case.edits == 0)
        cells = [f"{100 * found[name]:.1f}%" for name in COLUMNS]
        rejected = f"{100 * found['rejected']:.1f}%" if null else ""
        lines.append([case.name, "regions like these" if new else "these regions", *cells, rejected])
    said = HEAD.format(runs=runs, regions=REGIONS, prompts=PROMPTS, seeds=SEEDS, error=error)
    return f"{said}\n{markdown_table(head, lines)}\n"


if __name__ == "__main__":
    main()
