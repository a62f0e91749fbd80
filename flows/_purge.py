"""Deletes objects from DVC's cache and from its remotes, and prints what it did as JSON.

`flows.dvc` starts it as a script with a file of hashes: in this process a second DVC would share locks and state.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException
from dvc.repo import Repo, lock_repo


def main(hashes: set[str]) -> None:
    """Remotes first: as long as one cannot be reached, the cache keeps the objects by which they are known."""
    with Repo(_wait_for_lock=True) as repo, lock_repo(repo):
        cache = repo.cache.local
        doomed = hashes | {
            folder for folder in cache.all() if folder.endswith(".dir") and _names(cache, folder, hashes)
        }
        remotes: dict[str, int] = {}
        failed: dict[str, str] = {}
        for name in sorted(repo.config["remote"]):
            try:
                remotes[name] = _delete(repo.cloud.get_remote_odb(name), doomed)
            except Exception as error:  # whatever a storage service may raise
                failed[name] = f"{type(error).__name__}: {error}"
        objects = 0
        if not failed:
            _forget_runs(Path(repo.cache.legacy.path) / "runs", doomed)
            objects = _delete(cache, doomed)
    json.dump({"objects": objects, "remotes": remotes, "failed": failed}, sys.stdout)


def _names(cache: Any, folder: str, hashes: set[str]) -> bool:
    """Whether a folder's object lists one of the hashes."""
    entries = json.loads(Path(cache.oid_to_path(folder)).read_text(encoding="utf-8"))
    return any(entry["md5"] in hashes for entry in entries)


def _delete(objects: Any, doomed: set[str]) -> int:
    present = sorted(objects.oids_exist(sorted(doomed)))
    for oid in present:
        objects.delete(oid)
    return len(present)


def _forget_runs(runs: Path, doomed: set[str]) -> None:
    """Delete the run cache's entries that would bring a deleted object back."""
    for path in runs.rglob("*"):
        if path.is_file() and any(oid in path.read_text(encoding="utf-8") for oid in doomed):
            path.unlink()


if __name__ == "__main__":
    try:
        main(set(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
    except DvcException as error:
        sys.exit(str(error))
