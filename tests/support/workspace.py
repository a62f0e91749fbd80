"""A copy of the project in a folder of its own, shrunk so that the whole pipeline takes about a minute."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from flows import dvc
from flows.pipeline import Pipeline
from import_graph import ROOT

REGIONS = ("jp", "nl", "ua")
Params = dict[str, Any]


@dataclass(frozen=True)
class Workspace:
    """A project at `root` whose cached results lie in `store`; nothing that it does reaches the outside."""

    root: Path
    store: Path

    @classmethod
    def of(cls, folder: Path) -> Workspace:
        """The one that `fresh` or `copy` made in `folder`."""
        return cls(folder / "project", folder / "store")

    @classmethod
    def fresh(cls, folder: Path) -> Workspace:
        """What a clone of the current working tree would hold, with shrunken params."""
        workspace = cls.of(folder)
        for name in _files_of_the_project():
            target = workspace.root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
        subprocess.run(["git", "init", "--quiet", workspace.root], check=True)
        # `make` then finds everything installed.
        (workspace.root / ".venv").mkdir()
        (workspace.root / ".venv/bin").symlink_to(Path(sys.prefix) / "bin", target_is_directory=True)
        (workspace.root / ".venv/installed").touch()
        workspace.edit_params(shrink)
        return workspace

    def copy(self, folder: Path) -> Workspace:
        """The same state elsewhere: outputs, DVC's cache and cached results."""
        workspace = Workspace.of(folder)
        shutil.copytree(self.root, workspace.root, symlinks=True)
        if self.store.exists():
            shutil.copytree(self.store, workspace.store)
        return workspace

    @property
    def environment(self) -> dict[str, str]:
        """What commands in this workspace need beyond the current environment."""
        site = self.root / ".dvc/tmp/site"
        studio = self.store.with_name("label-studio")
        return {
            "CULTUREBENCH_STORE": str(self.store),
            "CULTUREBENCH_LABEL_STUDIO": str(studio),
            "DVC_SITE_CACHE_DIR": str(site),
        }

    def repro(self, *targets: str, jobs: int | None = None) -> dict[str, str]:
        """Bring everything, or `targets`, up to date; stage -> what became of it."""
        outcomes = dvc.reproduce(targets, root=self.root, environment=self.environment, jobs=jobs)
        return {outcome.stage: outcome.outcome.value for outcome in outcomes}

    def look(self) -> Pipeline:
        """The stages, and what is stale and why."""
        return dvc.look(root=self.root, environment=self.environment)

    @property
    def shell(self) -> dict[str, str]:
        """The whole environment of a person who works here, `.venv/bin` on the path."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, **self.environment, "PATH": path}

    def start(self) -> subprocess.Popen[bytes]:
        """`make repro` as a process group of its own that nobody waits for; what it prints goes to `printed`."""
        with self.printed.open("ab") as printed:
            return subprocess.Popen(
                ["make", "repro"],
                cwd=self.root,
                env=self.shell,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                start_new_session=True,
            )

    def commit(self) -> None:
        """Commit the working tree as it is."""
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@localhost"]
        for command in (["add", "--all"], ["commit", "--quiet", "-m", "The project"]):
            subprocess.run([*git, *command], cwd=self.root, check=True)

    @property
    def printed(self) -> Path:
        """What `start` printed so far, with the errors."""
        return self.store.with_name("printed.txt")

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

    def lock(self) -> dict[str, Any]:
        """What dvc.lock holds of every stage: command, params, and the hashes of all deps and outs."""
        return yaml.safe_load((self.root / "dvc.lock").read_text(encoding="utf-8"))["stages"]

    def hashes(self) -> dict[str, str]:
        """Path -> hash of every out, as dvc.lock has it."""
        return {out["path"]: out["md5"] for stage in self.lock().values() for out in stage.get("outs", ())}

    def load_json(self, name: str) -> Any:
        """A JSON file of the workspace."""
        return json.loads((self.root / name).read_text(encoding="utf-8"))


def shrink(params: Params) -> None:
    """Three regions, few pictures and steps, and one condition of each kind."""
    params["regions"] = list(REGIONS)
    params["collect"]["sources"][0]["pictures"] = 60
    params["split"] |= {"train": 3, "test": 1, "detect": 2}
    params["probe_layers"] |= {"resamples": 200, "when_none": 1}
    params["probe_layers"]["reinitialised"]["copies"] = 1
    params["check_layers"]["max_pairs"] = 60
    for training in (params["train_sae"], params["train_sae"]["encoders"]["atlas"]):
        training |= {"steps": 60, "batch_size": 256}
    params["select_neurons"]["min_prompts"] = 2
    params["sampler"]["steps"] = 2
    params["prompts"] = {"test": params["prompts"]["test"]}
    params["generate"] |= {"prompts_per_region": 2, "seeds": [0, 1]}
    params["tune_strength"] |= {"prompts_per_region": 1, "seeds": [0], "resamples": 200}
    params["tune_strength"] |= {"amplify": [0, 2, 4], "activate": [0, 1], "steer": [0, 1], "steer_en": [0, 1]}
    dose = {"controls": ["random", "same_norm"], "prompts_per_region": 1, "strengths": 1}
    params["tune_strength"]["dose"] |= dose
    params["compare_selectors"] |= {"selectors": ["wfs", "lape", "random"], "k": [None], "max_regions": 2}
    params["compare_selectors"] |= {"prompts_per_region": 1, "seeds": [0], "resamples": 200}
    params["describe_neurons"] |= {"pictured": 1, "prompts_per_region": 1, "resamples": 200}
    params["questions"]["atlas"] |= {"detect": 3, "test": 1}
    params["select_vlm_neurons"] |= {"selectors": ["cas", "random"], "draws": 1}
    params["silence"] |= {"languages": ["english"], "resamples": 200}
    params["audit_judge"] |= {"seeds": 1, "resamples": 200}
    params["train_enhancer"] |= {"steps": 4, "batch_size": 2, "log_every": 2, "log_pairs": 2, "loss_space": "latent"}
    params["train_enhancer"]["checkpoint_every"] = 1  # states from which a killed training goes on
    params["judge_reliability"] |= {"pictures_per_region": 3, "resamples": 200}
    params["evaluate"]["resamples"] = 200
    set_conditions(params, pinned=("noun", "cultural"), edited=("amplified",), enhanced=("enhanced",))
    params["sites"] = ["culture"]
    params["study"] |= {"conditions": ["noun", "cultural"], "prompts_per_region": {"scc": 1, "mcc": 0, "csr": 1}}
    params["study"] |= {"people": 2, "gold": 1, "repeats": 1, "resamples": 200}
    params["adapters"] = {}


def set_conditions(params: Params, **sets: Iterable[str]) -> None:
    """Pictures are made under these conditions alone, and under `all` of them judged."""
    named = {key: dict.fromkeys(names) for key, names in sets.items()}
    params["conditions"] = {**named, "all": {name: None for names in named.values() for name in names}}


def _files_of_the_project() -> list[str]:
    """Tracked files, and new ones that Git does not ignore, as they are now."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [name for name in names if name and name != "dvc.lock" and (ROOT / name).is_file()]
