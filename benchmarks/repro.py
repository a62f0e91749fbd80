"""How long the whole pipeline takes on the shrunken atlas: `culturebench repro` beside plain `dvc repro`.

`python -m benchmarks.repro` makes both workspaces in a temporary folder and prints seconds and their ratio.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

from workspace import Workspace  # noqa: E402  # the shrunken atlas of the tests


def plain(workspace: Workspace) -> None:
    """DVC as a person calls it."""
    command = [sys.executable, "-m", "dvc", "repro"]
    subprocess.run(command, cwd=workspace.root, env=workspace.shell, check=True, capture_output=True)


def main() -> None:
    """Run both, and compare what they wrote."""
    seconds: dict[str, float] = {}
    locks: list[object] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, run in {"plain dvc repro": plain, "culturebench repro": Workspace.repro}.items():
            workspace = Workspace.fresh(Path(folder) / name.replace(" ", "-"))
            started = time.perf_counter()
            run(workspace)
            seconds[name] = time.perf_counter() - started
            locks.append(workspace.lock())
            print(f"{name:<20} {seconds[name]:6.1f} s for {len(workspace.lock())} stages", flush=True)
    assert locks[0] == locks[1], "the two runs wrote different bytes"
    print(f"ratio {seconds['plain dvc repro'] / seconds['culturebench repro']:.2f}; the same content of dvc.lock")


if __name__ == "__main__":
    main()
