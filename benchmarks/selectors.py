"""The whole grid behind the report's table of selectors: every K, more autoencoders, all regions, all strengths.

`python -m benchmarks.selectors` copies the project into build/selectors, with five autoencoders, each with a picture of
its own, and brings its stages up to date: a comparison of the selectors on the prompts of all regions, one for each K
on those of the next region, and the strengths of every edit with those of all its controls. It writes
docs/selectors.md. A stopped command goes on: DVC keeps what stages finished, and the store every picture and answer. It
says itself how fast it goes and when it ends.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks._copied_project import copy_project, run_dvc, write_params
from benchmarks._markdown import markdown_table
from culturebench.artifacts import comparison, strength
from culturebench.artifacts.comparison import EFFECTS, WHOLE, Comparison, Interval
from culturebench.conditions import EDITS, condition
from culturebench.errors import CultureBenchError
from culturebench.probing.selectors import SELECTORS
from culturebench.progress import progress

ROOT: Final = Path(__file__).parents[1]
AUTOENCODERS = 5
KS: Final = (None, *range(2, 17))  # of a region's neurons the best so many; None: all up to the elbow's K
OTHERS_OF_A_K = 1  # other regions whose prompts are masked at each K but the elbow's; all would be 200,000 pictures


def main(argv: Sequence[str] | None = None) -> None:
    """Run the grid, or what a stopped run left, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.selectors", description=__doc__)
    parser.add_argument("--project", type=Path, default=ROOT, help="the project whose files are copied")
    parser.add_argument("--folder", type=Path, help="the copy; build/selectors of the project by default")
    parser.add_argument("--model", default="atlas", help="the text-to-image model, a name in params.yaml")
    parser.add_argument("--page", type=Path, default=ROOT / "docs/selectors.md", help="the page that is written")
    parser.add_argument("--k", type=int, nargs="+", help="only these K beside the elbow's")
    chosen = parser.parse_args(argv)
    ks = KS if chosen.k is None else (None, *chosen.k)
    folder = (chosen.folder or chosen.project / "build/selectors").resolve()
    try:
        tables, tuned = run(chosen.project.resolve(), folder, chosen.model, ks)
    except CultureBenchError as error:
        sys.exit(f"selectors: {error}")
    chosen.page.write_text(page(tables, tuned), encoding="utf-8")
    print(f"The page is at {chosen.page}")


def run(
    project: Path, folder: Path, model: str, ks: Sequence[int | None]
) -> tuple[dict[str, Comparison], dict[str, Any]]:
    """The comparisons by K, and the strengths; `StageFailedError` when a stage fails."""
    copy_project(project, folder)
    params = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
    tables: dict[str, Comparison] = {}
    for k in progress(ks, len(ks), "K"):
        write_params(folder, grid(params, k))
        run_dvc(folder, "repro", f"compare_selectors@{model}")
        tables[WHOLE if k is None else str(k)] = comparison.load(folder / comparison.PATH.format(model=model))
    run_dvc(folder, "repro", f"tune_strength@{model}")
    return tables, strength.load(folder / strength.PATH.format(model=model))


def grid(params: Mapping[str, Any], k: int | None) -> dict[str, Any]:
    """The project's params with all that the grid widens, and one K."""
    seeds = list(range(AUTOENCODERS))
    others = None if k is None else OTHERS_OF_A_K
    tuned = params["tune_strength"]
    kinds = sorted({one.name for edit in EDITS if edit.tuned for one in condition(edit.home).controls})
    longest = max(len(tuned[edit.name]) for edit in EDITS if edit.tuned)
    dose = {"controls": kinds, "prompts_per_region": tuned["prompts_per_region"], "strengths": longest}
    return {
        **params,
        "train_sae": {**params["train_sae"], "seeds": seeds},
        "compare_selectors": {**params["compare_selectors"], "k": [k], "others": others, "seeds": seeds},
        "tune_strength": {**tuned, "seeds": seeds, "dose": dose},
    }


HEAD: Final = """# Selectors, K and strengths

`python -m benchmarks.selectors` writes this page: {regions} regions, {prompts} train prompts, {seeds} autoencoders with
one picture of every prompt each. {judge} finds the right region in {plain} of the unmasked pictures. The other regions
are all of them at the elbow's K, and the next one at every other K. Drops are in points, with the 95% interval by
prompt within these regions; bold where the test by prompt, corrected for its K, finds it.
"""
NAMES: Final = {
    "own": "drop, own",
    "cross": "drop, the other regions'",
    "selective": "own minus cross",
    "beyond_random": "own minus random's",
}


def page(tables: Mapping[str, Comparison], tuned: Mapping[str, Any]) -> str:
    """The page as Markdown."""
    first = tables[WHOLE]
    unmasked = first["unmasked"]
    parts = [
        HEAD.format(
            regions=len(first["regions"]),
            prompts=first["prompts"],
            seeds=len(first["seeds"]),
            judge=first["judge"],
            plain="–" if unmasked is None else f"{100 * unmasked['value']:.1f}%",
        ),
        "## Every K",
        markdown_table(
            ["K", "selector", "neurons", *NAMES.values()], [row for k, some in tables.items() for row in _rows(k, some)]
        ),
        f"## Whose neurons take whose culture: {_named(first)[0]}, the elbow's K",
        "Rows: the region whose neurons are masked; columns: the prompts' region.",
        _matrix(first),
        "## Every strength",
        "CultureVQA on train prompts; of the controls each lambda with one picture of every prompt.",
        markdown_table(["edit", "condition", "λ", "‖edit‖ / ‖h‖", "CultureVQA"], _strengths(tuned)),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _rows(k: str, table: Comparison) -> list[list[str]]:
    return [
        [k, name, f"{found['neurons']:.1f}", *(_drop(found[effect]) for effect in EFFECTS)]
        for name in _named(table)
        for found in [table["selectors"][k][name]]
    ]


def _named(table: Comparison) -> list[str]:
    """The selectors in the order of their records."""
    there = {name for some in table["selectors"].values() for name in some}
    return [name for name in SELECTORS if name in there]


def _drop(effect: Interval | None) -> str:
    if effect is None:
        return "–"
    text = f"{100 * effect['value']:+.1f}"
    text = f"**{text}**" if effect["p_value"] is not None and effect["p_value"] <= 0.05 else text
    return f"{text} {_ends(effect['low'], effect['high'])}".rstrip().replace("-", "−")


def _ends(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"[{100 * low:.1f}, {100 * high:.1f}]"


def _matrix(table: Comparison) -> str:
    name, regions = _named(table)[0], table["regions"]
    drops = {(c["source"], c["target"]): f"{100 * c['drop']:.0f}" for c in table["matrix"] if c["selector"] == name}
    rows = [[one, *(drops.get((one, other), "").replace("-", "−") for other in regions)] for one in regions]
    return markdown_table(["", *regions], rows)


def _strengths(tuned: Mapping[str, Any]) -> list[list[str]]:
    rows: list[list[str]] = []
    for edit in EDITS:
        if not edit.tuned:
            continue
        own = [(edit.home, point) for point in tuned[edit.name]["curve"]]
        for name, point in [*own, *((dose["condition"], dose) for dose in tuned["dose"][edit.name])]:
            size = "–" if point["size"] is None else f"{point['size']:.3f}"
            share = f"{100 * point['accuracy']:.1f}% {_ends(point['low'], point['high'])}".rstrip()
            rows.append([edit.name, name, f"{point['strength']:g}", size, share])
    return rows


if __name__ == "__main__":
    main()
