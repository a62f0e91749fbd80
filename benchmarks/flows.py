"""What it costs to see that nothing has changed, beside plain DVC: at the project's size and at 100 regions x 6 models.

Both workspaces are made in a temporary folder, with an invented file for every output; the floor is DVC's own start.
`python -m benchmarks.flows PROJECT`, with a project in which `make repro` has finished, puts the whole flow `reproduce`
on a running Prefect server beside plain DVC there.
"""

from __future__ import annotations

import copy
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from dvc.repo import Repo

from benchmarks._markdown import markdown_table
from benchmarks._ratios import HEAD, Row, clock, in_turns
from flows import dvc

ROOT = Path(__file__).parents[1]
ROUNDS = 2
LOOK = "ours: `flows.dvc.look`, order, what is stale, and why, in a process that has started"
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


def compared(work: str, root: Path) -> Iterator[Row]:
    """Each way to find that nothing has changed beside a look."""
    ways = {
        "look": lambda: dvc.look(root=root),
        "`dvc repro`": lambda: plain(root, "repro"),
        "`dvc status`": lambda: plain(root, "status"),
        "the floor: `dvc --version`": lambda: plain(root, "--version"),
    }
    found = in_turns(ways, ROUNDS, clock)
    stages = len(dvc.look(root=root).stages)
    for peer in list(ways)[1:]:
        yield Row(f"{work}, {stages} stages: nothing has changed", peer, found["look"], found[peer], note=LOOK)


def unattended(root: Path) -> Row:
    """The flow where nothing is stale, on a server that runs, beside DVC."""
    command = ("-c", "from culturebench.cli import main; main()")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    python(root, *command, "server", "up", "--port", str(port))
    try:
        flow = ("-c", "from flows.reproduce import reproduce; reproduce()")
        ways = {"plain": lambda: plain(root, "repro"), "ours": lambda: python(root, *flow, url=url)}
        found = in_turns(ways, ROUNDS, clock)
    finally:
        python(root, *command, "server", "down")
    stages = len(dvc.look(root=root).stages)
    return Row(
        f"the flow `reproduce`, {stages} stages: nothing has changed", "`dvc repro`", found["ours"], found["plain"]
    )


def rows() -> Iterator[Row]:
    """Both sizes."""
    with tempfile.TemporaryDirectory() as name:
        for title, (regions, models) in SIZES.items():
            root = Path(name) / f"{regions}-{models}"
            workspace(root, regions, models)
            yield from compared(title, root)


if __name__ == "__main__":
    print(markdown_table(HEAD, [unattended(Path(sys.argv[1]).resolve()).cells]))
