"""What it costs to see that nothing has changed, beside plain DVC: at the project's size and at 100 regions x 6 models.

`python -m benchmarks.flows` makes both workspaces in a temporary folder, with an invented file for every output, and
prints seconds and ratios, interleaved, best of some rounds; the floor is DVC's own start. Of the seconds of a look it
also says where they go. `python -m benchmarks.flows PROJECT`, with a project in which `make repro` has finished, puts
the whole flow `reproduce` on a running Prefect server beside plain DVC there.
"""

from __future__ import annotations

import copy
import cProfile
import os
import pstats
import socket
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
REPRO = "dvc repro, nothing changed"
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
    python(root, "-m", "dvc", *arguments)


def python(root: Path, *arguments: str, url: str = "") -> None:
    """This interpreter with the code of `root`; `url` is that of a Prefect server."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(root), "PWD": str(root)}
    environment |= {"PREFECT_API_URL": url} if url else {}
    command = [sys.executable, *arguments]
    subprocess.run(command, cwd=root, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


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
            REPRO: lambda: plain(root, "repro"),
            "dvc status": lambda: plain(root, "status"),
            "look: order, what is stale, and why": lambda: dvc.look(root=root),
        }
    )
    print(f"{title}: {len(dvc.look(root=root).stages)} stages")
    show(found)
    shares(root)


def show(found: dict[str, float]) -> None:
    """Seconds, and how many times those of `dvc repro`."""
    for what, seconds in found.items():
        print(f"  {what:36} {seconds:7.2f} s  {seconds / found[REPRO]:5.2f} x dvc repro")


def shares(root: Path) -> None:
    """Print which of DVC's modules the time of a look goes to."""
    profile = cProfile.Profile()
    profile.enable()
    with Repo(str(root)) as repo:
        repo.status()
        _ = repo.index.graph
    profile.disable()
    by_file: dict[str, float] = {}
    for (file, _, _), (_, _, seconds, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        package = file.partition("site-packages/")[2].split("/")[0] or "python"
        by_file[package] = by_file.get(package, 0.0) + seconds
    whole = sum(by_file.values())
    largest = sorted(by_file.items(), key=lambda item: -item[1])[:6]
    print("  of a look: " + ", ".join(f"{name} {seconds / whole:.0%}" for name, seconds in largest))


def unattended(root: Path) -> None:
    """The flow where nothing is stale, on a server that runs, beside DVC."""
    command = ("-c", "from culturebench.cli import main; main()")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    python(root, *command, "server", "up", "--port", str(port))
    try:
        flow = ("-c", "from flows.reproduce import reproduce; reproduce()")
        found = best({REPRO: lambda: plain(root, "repro"), "reproduce": lambda: python(root, *flow, url=url)})
    finally:
        python(root, *command, "server", "down")
    print(f"{root}: {len(dvc.look(root=root).stages)} stages, nothing changed")
    show(found)


def main() -> None:
    """Print a table for each size, or for the project that is named."""
    if sys.argv[1:]:
        unattended(Path(sys.argv[1]).resolve())
        return
    with tempfile.TemporaryDirectory() as name:
        for title, (regions, models) in SIZES.items():
            root = Path(name) / f"{regions}-{models}"
            workspace(root, regions, models)
            compare(title, root)


if __name__ == "__main__":
    main()
