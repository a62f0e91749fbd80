"""Ours beside what a user would do by hand: `python -m benchmarks [NAME…]` prints the table and writes the page.

Each benchmark runs in a process of its own. Its figures are kept in build/benchmarks as it ends: a stopped command goes
on, and one that names some benchmarks leaves the others' figures as they are. Figures of another machine, of other
libraries, or of a benchmark that was changed since are measured again.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from benchmarks._markdown import markdown_table
from benchmarks._ratios import HEAD, Row, machine, rows_of
from culturebench.pins import sha256_of
from culturebench.store import key_of

FOLDER: Final = Path(__file__).parent
PAGE: Final = FOLDER.parent / "docs/benchmarks.md"
KEPT: Final = FOLDER.parent / "build/benchmarks"
#: Modules with a function `rows`, in the table's order.
COMPARED: Final = ("sae", "picture", "hashing", "probe_memory", "collect", "duplicates", "flows", "probe", "repro")
#: Modules that compare nothing in seconds -> what they measure, and the page that tells it.
ELSEWHERE: Final = {
    "scale": ("time and memory of the data half, of selection and of evaluation as they grow", "scale.md"),
    "adapters": ("a grid of adapters, controls, regions and seeds", "adapters-grid.md"),
    "copies": ("which changed copies of real pictures are found, beside pHash and imagededup", "data.md"),
    "coverage": ("how often intervals hold the truth", "coverage.md"),
    "gpu": ("a published system on a GPU", "not-tried.md"),
    "hostile": ("hostile files and their readers", "hostile.md"),
    "layer_check": ("how often the causal check of a layer errs", "method.md"),
    "layer_rule": ("how often the layer rule errs", "method.md"),
    "looks": ("what deduplication costs at a million pictures", "data.md"),
    "pipelines": ("which pipelines of diffusers work", "pipelines.md"),
    "planted_vlm": ("what selectors find of planted neurons of a vision-language model", "vlm.md"),
    "relevance": ("limits for a CLIP's cosines, from experts' verdicts", "data.md"),
    "second_encoder": ("another training seed of the encoder", "second-encoder.md"),
    "selectors": ("a grid of selectors, K, autoencoders and strengths", "selectors.md"),
    "soak": ("kills at the worst moments", "unattended.md"),
    "study_coverage": ("how often a study's intervals hold the planted truth", "study.md"),
    "tests": ("what each slow test takes and claims", "../CONTRIBUTING.md"),
}


def measured(name: str, *, again: bool, folder: Path = KEPT) -> list[Row]:
    """The rows of one benchmark: those that are kept, else measured in a process of its own."""
    path = folder / f"{name}.json"
    key = key_of({**machine(), "benchmark": sha256_of(FOLDER / f"{name}.py")})
    if not again and (rows := kept(path, key)):
        return rows
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        rows = pool.submit(rows_of, name).result()
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"key": key, "rows": [asdict(row) for row in rows]}, indent=1), encoding="utf-8")
    return rows


def kept(path: Path, key: str | None) -> list[Row]:
    """The rows that lie there under the key, or under any; none where there are none."""
    if not path.is_file():
        return []
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return [Row(**row) for row in found["rows"]] if key in (None, found["key"]) else []


def page(tables: Sequence[Sequence[Row]], on: dict[str, str]) -> str:
    """The page as Markdown."""
    lines = [row.cells for rows in tables for row in rows]
    missing = [name for name, rows in zip(COMPARED, tables, strict=False) if not rows]
    still = f"Not measured here yet: `python -m benchmarks {' '.join(missing)}`.\n" if missing else ""
    links = [f"- `benchmarks.{name}`: {what} ([{link}]({link}))" for name, (what, link) in ELSEWHERE.items()]
    said = PROSE.format(machine=", ".join(f"{name} {value}" for name, value in on.items()))
    elsewhere = "\n".join(["## What is measured elsewhere", "", *links])
    return f"{said}\n{markdown_table(HEAD, lines)}\n\n{still}\n{elsewhere}\n"


PROSE: Final = """# Ours beside what one would do by hand

`python -m benchmarks` writes this page; `python -m benchmarks sae probe` measures these two anew and keeps the rest.
Both ways of a line do the same work in the same run, in turns; what is not equal stands in the last column. Figures are
medians over the rounds, seconds of CPU time unless the line names threads or processes; the ratio is the median of the
rounds' ratios, with the smallest and the largest. Above 1 ours is faster, or smaller; a floor is what no way can do
without. Other work ran on the machine at the same time, which ratios within a round feel less than seconds do.

On: {machine}.
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(COMPARED)}; all by default")
    parser.add_argument("--again", action="store_true", help="measure also what is kept")
    chosen = parser.parse_args(argv)
    wrong = set(chosen.names) - set(COMPARED)
    if wrong:
        parser.error(f"there is no benchmark {', '.join(sorted(wrong))} with a ratio; choose of {', '.join(COMPARED)}")
    asked = chosen.names or COMPARED
    for number, name in enumerate(asked, 1):
        started = time.monotonic()
        print(f"{number} of {len(asked)}: {name}", file=sys.stderr, flush=True)
        rows = measured(name, again=chosen.again or bool(chosen.names))
        print(markdown_table(HEAD, [row.cells for row in rows]), flush=True)
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    tables = [kept(KEPT / f"{name}.json", None) for name in COMPARED]
    PAGE.write_text(page(tables, machine()), encoding="utf-8")
    print(f"The page is {PAGE.relative_to(FOLDER.parent)}", file=sys.stderr)


if __name__ == "__main__":
    main()
