"""Prints what DVC knows of every stage as JSON, at the cost of loading the pipeline once.

`flows.dvc` starts it as a script: in this process a second DVC would share locks and state with the first.

DVC asks the same questions once for each stage: at 700 stages the same few hundred files 23,000 times. Nobody writes
while this holds DVC's lock, so here each is asked once; the answers are DVC's own.
"""

from __future__ import annotations

import gc
import json
import sys
from contextlib import nullcontext
from functools import cache
from typing import Any

import dvc.dependency.param
import dvc.output
import dvc.repo.graph
import dvc.rwlock
import networkx
from dvc.exceptions import DvcException
from dvc.output import Output
from dvc.repo import Repo, lock_repo
from dvc.rwlock import rwlock
from ruamel.yaml.resolver import VersionedResolver


def main() -> None:
    """One entry per stage: its command, the stages before it, its outs and changes, and whether dvc.lock knows it.

    With `--graph` nobody looks for changes: that also works while a stage runs.
    """
    gc.disable()  # nothing of the pipeline can be let go before the end, and looking for it took a third of the time
    _ask_once()
    with Repo(_wait_for_lock=True) as repo, lock_repo(repo):
        changed = {} if "--graph" in sys.argv else _changes(repo)
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
    json.dump(entries, sys.stdout)


def _changes(repo: Any) -> dict[str, Any]:
    """DVC's status. Whether a running stage writes something is asked of all paths at once, not stage by stage."""
    paths = sorted({item.fs_path for stage in repo.index.stages for item in (*stage.deps, *stage.outs)})
    with rwlock(repo.tmp_dir, repo.fs, " ".join(sys.argv), paths, [], repo.config["core"].get("hardlink_lock", False)):
        dvc.rwlock.rwlock = _held
        return repo.status()


def _held(*_: Any) -> Any:
    """In the place of a lock on paths that are locked already."""
    return nullcontext()


def _ask_once() -> None:
    """Let DVC keep, for the life of this process, what it would ask again."""
    _cache_version()
    _keep_params()
    _cache_files()
    _cache_places()
    check = dvc.repo.graph.check_acyclic

    def check_acyclic(graph: Any) -> None:
        # to look for a cycle edge by edge, as DVC does, takes seconds at 700 stages; whether there is one, a moment
        if not networkx.is_directed_acyclic_graph(graph):
            check(graph)

    dvc.repo.graph.check_acyclic = check_acyclic


def _cache_version() -> None:
    """Which YAML a document is in is asked once, not twice a word: a third of the time to parse dvc.lock."""
    resolver: Any = VersionedResolver
    of_version = resolver.versioned_resolver.fget

    def versioned_resolver(self: Any) -> Any:
        if "_cached" not in self.__dict__:
            self._cached = of_version(self)
        return self._cached

    resolver.versioned_resolver = property(versioned_resolver)


def _keep_params() -> None:
    """Each params file is parsed, and each key looked up, once."""
    dvc.dependency.param.load_path = cache(dvc.dependency.param.load_path)
    read = dvc.dependency.param.read_param_file

    @cache
    def read_one(fs: Any, path: str, key: str) -> dict[str, Any]:
        return read(fs, path, [key], flatten=True)

    def read_param_file(fs: Any, path: str, keys: list[str] | None = None, flatten: bool = False) -> Any:
        if not keys or not flatten:
            return read(fs, path, keys, flatten)
        return {name: value for key in keys for name, value in read_one(fs, path, key).items()}

    dvc.dependency.param.read_param_file = read_param_file


def _cache_files() -> None:
    """Each file or folder is looked for, and hashed, once."""
    hashed: dict[Any, Any] = {}
    there: dict[Any, bool] = {}
    output: Any = Output
    hash_meta, exists = output._get_hash_meta, output.exists.fget

    def get_hash_meta(self: Any) -> Any:
        key = (self.fs, self.fs_path, self.hash_name, self.use_cache)
        if key not in hashed:
            hashed[key] = hash_meta(self)
        return hashed[key]

    def is_there(self: Any) -> bool:
        key = (self.fs, self.fs_path, self.IS_DEPENDENCY)
        if key not in there:
            there[key] = exists(self)
        return there[key]

    output._get_hash_meta = get_hash_meta
    output.exists = property(is_there)


def _cache_places() -> None:
    """Which file system a path without settings of its own belongs to is worked out once."""
    place = dvc.output.get_cloud_fs
    known: dict[str, Any] = {}

    def get_cloud_fs(config: Any, *, url: str, **settings: Any) -> Any:
        if settings:
            return place(config, url=url, **settings)
        if url not in known:
            known[url] = place(config, url=url)
        kind, conf, path = known[url]
        return kind, dict(conf), path

    dvc.output.get_cloud_fs = get_cloud_fs


if __name__ == "__main__":
    try:
        main()
    except DvcException as error:
        sys.exit(str(error))
