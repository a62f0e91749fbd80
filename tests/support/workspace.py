"""A copy of the project in a folder of its own, shrunk so that the whole pipeline takes about a minute."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from flows import dvc
from import_graph import ROOT

REGIONS = ("jp", "nl", "ua")
Params = dict[str, Any]


@dataclass(frozen=True)
class Workspace:
    """A project at `root` whose kept results lie in `store`; nothing that it does reaches the outside."""

    root: Path
    store: Path

    @classmethod
    def fresh(cls, folder: Path) -> Workspace:
        """What a clone of the current working tree would hold, with shrunken params."""
        workspace = cls(folder / "project", folder / "store")
        for name in _files_of_the_project():
            target = workspace.root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
        subprocess.run(["git", "init", "--quiet", workspace.root], check=True)
        workspace.edit_params(shrink)
        return workspace

    def copy(self, folder: Path) -> Workspace:
        """The same state elsewhere: outputs, DVC's cache and kept results."""
        workspace = Workspace(folder / "project", folder / "store")
        shutil.copytree(self.root, workspace.root, symlinks=True)
        if self.store.exists():
            shutil.copytree(self.store, workspace.store)
        return workspace

    @property
    def environment(self) -> dict[str, str]:
        """What commands in this workspace need beyond the current environment."""
        site = self.root / ".dvc/tmp/site"
        return {"CULTUREBENCH_STORE": str(self.store), "DVC_SITE_CACHE_DIR": str(site)}

    def repro(self, *targets: str) -> dict[str, str]:
        """Bring everything, or `targets`, up to date; stage -> what became of it."""
        outcomes = dvc.reproduce(targets, root=self.root, environment=self.environment)
        return {outcome.stage: outcome.outcome.value for outcome in outcomes}

    def start(self) -> subprocess.Popen[bytes]:
        """`dvc repro` as a process group of its own that nobody waits for."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.Popen(
            [sys.executable, "-m", "dvc", "repro"],
            cwd=self.root,
            env={**os.environ, **self.environment, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def edit(self, name: str, change: Callable[[str], str]) -> None:
        """Rewrite a text file; it must come out different."""
        path = self.root / name
        before = path.read_text(encoding="utf-8")
        after = change(before)
        assert after != before, f"the edit of {name} changed nothing"
        path.write_text(after, encoding="utf-8")

    def edit_params(self, change: Callable[[Params], None]) -> None:
        """Change the parsed params.yaml in place and write it back."""
        path = self.root / "params.yaml"
        params: Params = yaml.safe_load(path.read_text(encoding="utf-8"))
        change(params)
        path.write_text(yaml.safe_dump(params, allow_unicode=True, sort_keys=False), encoding="utf-8")

    def hashes(self) -> dict[str, str]:
        """Path -> hash of every out, as dvc.lock has it."""
        lock = yaml.safe_load((self.root / "dvc.lock").read_text(encoding="utf-8"))
        return {out["path"]: out["md5"] for stage in lock["stages"].values() for out in stage.get("outs", ())}

    def load_json(self, name: str) -> Any:
        """A JSON file of the workspace."""
        return json.loads((self.root / name).read_text(encoding="utf-8"))


def shrink(params: Params) -> None:
    """Three regions, few pictures, and one condition of each kind."""
    params["regions"] = list(REGIONS)
    params["collect"]["sources"][0]["pictures"] = 60
    pinned, edited, enhanced = ["noun", "noun_en", "cultural"], ["amplified"], ["enhanced"]
    params["conditions"] = {
        "pinned": pinned,
        "edited": edited,
        "enhanced": enhanced,
        "all": [*pinned, *edited, *enhanced],
    }
    params["sites"] = ["culture"]
    params["generate"] |= {"prompts_per_region": 2, "seeds": [0, 1], "steps": 4}


def _files_of_the_project() -> list[str]:
    """Tracked files, and new ones that Git does not ignore, as they are now."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [name for name in names if name and name != "dvc.lock" and (ROOT / name).is_file()]
