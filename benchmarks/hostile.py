"""Ten thousand hostile files, each given to the code that reads it, with the time and memory that this takes.

`python -m benchmarks.hostile --count 10000 --seed 0` ends with status 1 when one is neither taken nor refused, and
prints the table of docs/hostile.md.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

SUPPORT = Path(__file__).parents[1] / "tests/support"
sys.path.append(str(SUPPORT))

from hostile_corpus import KINDS, Case, cases, outcome  # noqa: E402


@dataclass
class Tally:
    """Of one kind: what became of its cases, CPU seconds of each, and the faults' tracebacks."""

    outcomes: Counter[str] = field(default_factory=Counter[str])
    seconds: list[float] = field(default_factory=list[float])
    faults: list[str] = field(default_factory=list[str])


def run(count: int, seed: int) -> dict[str, Tally]:
    """Give all cases to their readers."""
    found: dict[str, Tally] = defaultdict(Tally)
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(count, seed):
            _give(case, Path(folder), found[case.kind])
    return found


def _give(case: Case, folder: Path, tally: Tally) -> None:
    started = time.process_time()
    try:
        tally.outcomes[outcome(case, folder)] += 1
    except Exception:
        tally.faults.append(f"case {case.number}, {case.content[:200]!r}\n{traceback.format_exc(limit=-3)}")
    tally.seconds.append(time.process_time() - started)


def memory() -> float:
    """The most that this process ever held, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> None:
    """Print the table, and every fault on standard error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    before = memory()
    found = run(arguments.count, arguments.seed)
    print("| kind | cases | taken | refused | faults | mean ms | longest ms |\n|---|---:|---:|---:|---:|---:|---:|")
    for kind in KINDS:
        tally = found[kind]
        taken = tally.outcomes["taken"]
        refused = tally.outcomes.total() - taken
        mean, longest = sum(tally.seconds) / len(tally.seconds), max(tally.seconds)
        print(
            f"| {kind} | {len(tally.seconds)} | {taken} | {refused} | {len(tally.faults)} "
            f"| {mean * 1000:.1f} | {longest * 1000:.0f} |"
        )
    print(f"\nMemory grew from {before:.0f} to {memory():.0f} MB.")
    faults = [fault for tally in found.values() for fault in tally.faults]
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
