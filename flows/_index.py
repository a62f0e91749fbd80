"""Prints what DVC knows of every stage as JSON, at the cost of loading the pipeline once.

`flows.dvc` starts it as a script: in this process a second DVC would share locks and state with the first. With
`--graph` nobody looks for changes: that also works while a stage runs. `--params FILE` names a JSON file, {path of a
params file: content}: what these will hold before anything runs.

DVC asks the same questions once for each stage. Nobody writes while this holds DVC's lock, so here each is asked once.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException
from dvc.repo import Repo, lock_repo

#: What is replaced, and how it is called. `flows._once` says why.
REPLACED = {
    "dvc.rwlock:rwlock": "(tmp_dir, fs, cmd, read, write, hardlink)",
    "dvc.repo.graph:check_acyclic": "(graph)",
    "dvc.dependency.param:load_path": "(fs_path, fs, **kwargs)",
    "dvc.dependency.param:read_param_file": "(fs, path, key_paths=None, flatten=False, **load_kwargs)",
    "dvc.output:Output._get_hash_meta": "(self)",
    "dvc.output:Output.exists": "(self)",
    "dvc.output:get_cloud_fs": "(repo_config, **kwargs)",
    "ruamel.yaml.resolver:VersionedResolver.versioned_resolver": "(self)",
}


def main() -> None:
    """One entry a stage: its command, the stages before it, its outs and changes, and whether dvc.lock knows it."""
    from flows import _inside

    parser = argparse.ArgumentParser()
    parser.add_argument("--graph", action="store_true")
    parser.add_argument("--params", type=Path)
    arguments = parser.parse_args()
    params = json.loads(arguments.params.read_text(encoding="utf-8")) if arguments.params else {}
    gc.disable()  # nothing of the pipeline can be let go before the end, and looking for it took a third of the time
    difference = _inside.difference(REPLACED)
    with Repo(_wait_for_lock=True) as repo, lock_repo(repo):
        if not difference:
            _replace(repo, params)
        changed = {} if arguments.graph else repo.status() if difference else _changes(repo)
        graph = repo.index.graph
        entries: dict[str, Any] = {
            stage.addressing: {
                "command": stage.cmd or "",
                "before": sorted(earlier.addressing for earlier in graph.successors(stage)),
                "outs": [str(out) for out in stage.outs],
                "changes": changed.get(stage.addressing, []),
                "ran": not stage.outs or any(out.hash_info for out in stage.outs),
            }
            for stage in graph
        }
    json.dump({"stages": entries, "difference": difference}, sys.stdout)


def _replace(repo: Any, params: dict[str, Any]) -> None:
    from flows import _once

    for name, content in params.items():
        _once.stand_in(os.path.join(repo.root_dir, name), content)  # noqa: PTH118  # as DVC puts it together
    _once.ask_once()


def _changes(repo: Any) -> dict[str, Any]:
    """DVC's status. Whether a running stage writes something is asked of all paths at once, not stage by stage."""
    import dvc.rwlock

    paths = sorted({item.fs_path for stage in repo.index.stages for item in (*stage.deps, *stage.outs)})
    locked = (" ".join(sys.argv), paths, [], repo.config["core"].get("hardlink_lock", False))
    with dvc.rwlock.rwlock(repo.tmp_dir, repo.fs, *locked):
        dvc.rwlock.rwlock = _held
        return repo.status()


def _held(*_: Any) -> Any:
    """In the place of a lock on paths that are locked already."""
    return nullcontext()


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[1]))  # flows need not be installed
    try:
        main()
    except DvcException as error:
        sys.exit(str(error))
