"""The whole grid behind the report's chapter on adapters: every kind with its controls, several regions and seeds.

`python -m benchmarks.adapters` copies the project into build/adapters, where all adapters are trained, generated with
and compared, one training seed after another. It writes docs/adapters-grid.md. A stopped command goes on: DVC keeps
what stages finished, and the store every picture and answer.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any, Final

import yaml

from benchmarks._copied_project import copy_project, run_dvc, write_params
from benchmarks._markdown import markdown_table
from culturebench.artifacts import adapter_results
from culturebench.artifacts.adapter_results import AdapterResults
from culturebench.conditions.adapted import SETS
from culturebench.errors import CultureBenchError
from culturebench.evaluation.adapters import TAKEN
from culturebench.evaluation.names import CULTURE, POOLED
from culturebench.progress import progress

ROOT: Final = Path(__file__).parents[1]
SEEDS: Final = (0, 1)  # of the training
REGIONS: Final = 3  # drawn evenly over the project's
CAPTION: Final = "noun_en"  # an English noun is what a region's word is missing from
METHODS: Final[Mapping[str, Mapping[str, Any]]] = {
    "standard": {"kind": "standard"},
    "preserved": {"kind": "standard", "preserve": 1.0},
    "csl": {"kind": "csl"},
    "csl_random": {"kind": "csl", "concepts": "random"},
    "csl_distilled": {"kind": "csl", "projection": "distilled"},
    "csl_decoded": {"kind": "csl", "projection": "decoded"},
    "gating": {"kind": "gating"},
    "k_style": {"kind": "k_style"},
    "k_style_other": {"kind": "k_style", "concepts": "other_region"},
    "k_style_random": {"kind": "k_style", "concepts": "random"},
}
Run = tuple[str, str, int]  # method, region, seed


def main(argv: Sequence[str] | None = None) -> None:
    """Run the grid, or what a stopped run left, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.adapters", description=__doc__)
    parser.add_argument("--project", type=Path, default=ROOT, help="the project whose files are copied")
    parser.add_argument("--folder", type=Path, help="the copy; build/adapters of the project by default")
    parser.add_argument("--model", default="atlas", help="the text-to-image model, a name in params.yaml")
    parser.add_argument("--page", type=Path, default=ROOT / "docs/adapters-grid.md", help="the page that is written")
    parser.add_argument("--regions", nargs="+", help="codes; three of the project's by default")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), help="all by default")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="of the training; 0 and 1 by default")
    chosen = parser.parse_args(argv)
    folder = (chosen.folder or chosen.project / "build/adapters").resolve()
    try:
        found = run(chosen.project.resolve(), folder, chosen.model, chosen.methods, chosen.regions, chosen.seeds)
    except CultureBenchError as error:
        sys.exit(f"adapters: {error}")
    chosen.page.write_text(page(found), encoding="utf-8")
    print(f"The page is at {chosen.page}")


def run(
    project: Path, folder: Path, model: str, methods: Sequence[str], regions: Sequence[str] | None, seeds: Sequence[int]
) -> dict[Run, AdapterResults]:
    """The results of every adapter; `StageFailedError` when a stage fails."""
    copy_project(project, folder)
    params = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
    codes = regions or evenly(list(params["regions"]), REGIONS)
    found: dict[Run, AdapterResults] = {}
    for seed in progress(seeds, len(seeds), "seeds"):
        write_params(folder, grid(params, methods, codes, seed))
        run_dvc(folder, "repro", "compare_adapters")
        for method in methods:
            for code in codes:
                at = adapter_results.PATH.format(model=model, adapter=name_of(method, code))
                found[method, code, seed] = adapter_results.load(folder / at)
    return found


def grid(params: Mapping[str, Any], methods: Iterable[str], regions: Sequence[str], seed: int) -> dict[str, Any]:
    """The project's params with an adapter of every method and region, all trained with one seed.

    Beside the region's own nouns, other regions' cultural prompts are swept over the strengths too.
    """
    adapters = {
        name_of(method, code): {**METHODS[method], "region": code, "caption": CAPTION}
        for method in methods
        for code in regions
    }
    return {
        **params,
        "adapters": adapters,
        "train_adapter": {**params["train_adapter"], "seed": seed},
        "generate_adapted": {**params["generate_adapted"], "swept": ["own_noun", "others_cultural"]},
    }


def name_of(method: str, region: str) -> str:
    """How the grid calls an adapter in params."""
    return f"{method}_{region}"


def evenly(codes: Sequence[str], count: int) -> list[str]:
    """`count` of the codes, spread over all of them."""
    count = min(count, len(codes))
    return [codes[i * len(codes) // count] for i in range(count)]


HEAD: Final = """# Adapters: every kind and control

`python -m benchmarks.adapters` writes this page: {regions}, training seeds {seeds}, captions `{caption}`. Shares of
pictures in %, by all judges together: the mean over regions and seeds, and in brackets the lowest and the highest of
the {runs} trainings. Without an adapter and at strength 1 all sets of prompts have pictures.
"""
#: Per set of prompts what is counted: of own prompts the adapter's region, of others' their own.
COUNTED: Final = {one.name: TAKEN if one.own else CULTURE for one in SETS}


def page(found: Mapping[Run, AdapterResults]) -> str:
    """The page as Markdown."""
    methods = list(dict.fromkeys(method for method, _, _ in found))
    regions = list(dict.fromkeys(region for _, region, _ in found))
    seeds = list(dict.fromkeys(seed for _, _, seed in found))
    any_of = next(iter(found.values()))
    strengths = sorted(size["strength"] for size in any_of["sizes"])
    head = HEAD.format(
        regions=", ".join(regions), seeds=", ".join(map(str, seeds)), caption=CAPTION, runs=len(regions) * len(seeds)
    )
    rows = [["without", *_cells(list(found.values()), 0.0)]]
    rows += [[method, *_cells(_of(found, method), 1.0)] for method in methods]
    labels = [f"{one.label}: {'adapter’s region' if one.own else 'their own region'}" for one in SETS]
    swept = [
        [
            method,
            f"{strength:g}",
            _spread([size["size"] for one in some for size in one["sizes"] if size["strength"] == strength], 1, 3),
            _share(some, "own_noun", strength, TAKEN),
            _share(some, "others_cultural", strength, CULTURE),
        ]
        for method in methods
        for some in (_of(found, method),)
        for strength in strengths
    ]
    columns = ["adapter", "strength", "‖Δh‖ / ‖h‖", "own nouns: adapter’s region", "others’ cultural: their own"]
    trained, every = markdown_table(["adapter", *labels], rows), markdown_table(columns, swept)
    parts = [head, "## As trained", trained, "## Every strength", every]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _of(found: Mapping[Run, AdapterResults], method: str) -> list[AdapterResults]:
    return [one for (name, _, _), one in found.items() if name == method]


def _cells(some: Sequence[AdapterResults], strength: float) -> list[str]:
    return [_share(some, name, strength, measure) for name, measure in COUNTED.items()]


def _share(some: Sequence[AdapterResults], prompts: str, strength: float, measure: str) -> str:
    wanted = prompts, strength, POOLED, measure
    rows = [row for one in some for row in one["rows"]]
    values = [
        row["value"]
        for row in rows
        if (row["set"], row["strength"], row["judge"], row["measure"]) == wanted and row["value"] is not None
    ]
    return _spread(values, 100, 0)


def _spread(values: Sequence[float], factor: float, digits: int) -> str:
    """The mean with the lowest and the highest; a dash for none."""
    if not values:
        return "–"
    middle, low, high = (f"{factor * value:.{digits}f}" for value in (mean(values), min(values), max(values)))
    return f"{middle} [{low}–{high}]"


if __name__ == "__main__":
    main()
