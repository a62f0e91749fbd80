"""What it costs to see that nothing has changed, beside plain DVC: at the project's size and at 100 regions x 6 models.

`python -m benchmarks.flows` makes both workspaces in a temporary folder, with an invented file for every output, and
prints seconds and ratios, interleaved, best of some rounds; the floor is DVC's own start.
"""

from __future__ import annotations

import copy
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from dvc.repo import Repo

from flows import dvc

ROOT = Path(__file__).parents[1]
ROUNDS = 3
SIZES = {"as it is": (15, 1), "100 regions x 6 models": (100, 6)}


def workspace(root: Path, regions: int, models: int) -> None:
    """A copy of the project with that many regions and models in which every stage is up to date."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    subprocess.run(["git", "init", "--quiet", root], check=True)
    params: dict[str, Any] = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    first = params["regions"][0]
    for number in range(len(params["regions"]), regions):
        code = f"x{number:03}"
        for name in ("regions/{}.yaml", "decisions/{}.jsonl", "captions/{}.jsonl", "splits/{}.csv"):
            source, target = (root / "annotations" / name.format(which) for which in (first, code))
            target.write_bytes(source.read_bytes())
        params["regions"].append(code)
    for number in range(len(params["models"]), models):
        params["models"][f"m{number}"] = copy.deepcopy(params["models"]["atlas"])
    (root / "params.yaml").write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")
    with Repo(str(root)) as repo:
        stages = list(repo.index.stages)
    for stage in stages:
        for path in (Path(item.fs_path) for item in (*stage.outs, *stage.deps)):
            file = path if path.suffix else path / "part"
            if not path.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(file.name, encoding="utf-8")
    plain(root, "commit", "--force", "--quiet")


def plain(root: Path, *arguments: str) -> None:
    """DVC as a person calls it."""
    subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=root, check=True, stdout=subprocess.DEVNULL)


def best(actions: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Seconds of each action, the least of the rounds, all actions in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(ROUNDS):
        for name, action in actions.items():
            started = time.perf_counter()
            action()
            seconds[name].append(time.perf_counter() - started)
    return {name: min(found) for name, found in seconds.items()}


def compare(title: str, root: Path) -> None:
    """Print the seconds of each way to find that nothing has changed."""
    found = best(
        {
            "dvc --version (floor)": lambda: plain(root, "--version"),
            "dvc repro, nothing changed": lambda: plain(root, "repro"),
            "dvc status": lambda: plain(root, "status"),
            "look: order, what is stale, and why": lambda: dvc.look(root=root),
        }
    )
    print(f"{title}: {len(dvc.look(root=root).stages)} stages")
    for what, seconds in found.items():
        print(f"  {what:36} {seconds:7.2f} s  {seconds / found['dvc repro, nothing changed']:5.2f} x dvc repro")


def main() -> None:
    """Print a table for each size."""
    with tempfile.TemporaryDirectory() as name:
        for title, (regions, models) in SIZES.items():
            root = Path(name) / f"{regions}-{models}"
            workspace(root, regions, models)
            compare(title, root)


if __name__ == "__main__":
    main()
