"""Measure what build/scale does not hold, and write docs/scale.md: `python -m benchmarks.scale --pictures 10000`.

Every size is kept as it ends, so that a stopped command goes on; the page shows all that is kept.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from benchmarks._markdown import markdown_table
from benchmarks._ratios import machine, short
from benchmarks.scale.pictures import Figures, data_half, rows_alone
from benchmarks.scale.tables import evaluation, selection

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs/scale.md"
KEPT: Final = ROOT / "build/scale"
#: Marks of the page between which a part's table stands.
MARK: Final = "<!-- {} -->"
#: Part -> what is measured, what its sizes count, its sizes, and of which of them --pictures and --rows are the most.
PARTS: Final[dict[str, tuple[Callable[[int], Figures], str, tuple[int, ...]]]] = {
    "pictures": (data_half, "pictures", (1000, 3000, 10_000, 30_000, 100_000)),
    "rows": (rows_alone, "rows", (10_000, 100_000, 1_000_000)),
    "selection": (selection, "regions", (15, 50, 100)),
    "evaluation": (evaluation, "regions", (15, 50, 100)),
}


def kept(part: str, size: int, *, again: bool = False) -> Figures | None:
    """The figures of a part at a size, None where it was not measured; with `again` it is measured."""
    path = KEPT / f"{part}-{size}.json"
    if not path.is_file():
        if not again:
            return None
        found = PARTS[part][0](size)
        KEPT.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def table(part: str) -> str:
    """Each stage's seconds of CPU, and MB where a process of its own ran it, at every size that is kept."""
    _, unit, sizes = PARTS[part]
    found = {size: figures for size in sizes if (figures := kept(part, size))}
    if not found:
        return "Not measured yet."
    names = list(next(iter(found.values())))
    lines = [[name, *(_cell(figures[name]) for figures in found.values())] for name in names]
    return markdown_table(["", *(f"{size:,} {unit}" for size in found)], lines)


def _cell(figures: dict[str, float]) -> str:
    memory = f", {figures['megabytes']:,.0f} MB" if "megabytes" in figures else ""
    return f"{short(figures['cpu'])} s{memory}"


def main(argv: Sequence[str] | None = None) -> None:
    """Measure the parts up to the sizes that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--pictures", type=int, default=100_000, help="the most pictures of the data half")
    parser.add_argument("--rows", type=int, default=1_000_000, help="the most rows of the split alone")
    parser.add_argument("--regions", type=int, default=100, help="the most regions of selection and evaluation")
    chosen = parser.parse_args(argv)
    most = {"pictures": chosen.pictures, "rows": chosen.rows, "regions": chosen.regions}
    text = PAGE.read_text(encoding="utf-8")
    for part, (_, unit, sizes) in PARTS.items():
        for size in (one for one in sizes if one <= most[unit]):
            print(f"{part}: {size:,} {unit}", file=sys.stderr, flush=True)
            kept(part, size, again=True)
        text = between(text, part, table(part))
    text = between(text, "machine", ", ".join(f"{name} {value}" for name, value in machine().items()) + ".")
    PAGE.write_text(text, encoding="utf-8")
    print(f"The page is {PAGE.relative_to(ROOT)}", file=sys.stderr)


def between(text: str, name: str, said: str) -> str:
    """The text with `said` between the two marks of that name."""
    before, _, rest = text.partition(MARK.format(name))
    _, _, after = rest.partition(MARK.format(f"end of {name}"))
    return f"{before}{MARK.format(name)}\n{said}\n{MARK.format(f'end of {name}')}{after}"


if __name__ == "__main__":
    main()
