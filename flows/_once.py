"""What DVC asks once for each stage, asked once: at 700 stages the same few hundred files 23,000 times.

Nobody writes while a look holds DVC's lock; the answers are DVC's own.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import dvc.dependency.param
import dvc.output
import dvc.repo.graph
import networkx
from dvc.output import Output
from ruamel.yaml.resolver import VersionedResolver


def ask_once() -> None:
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


def stand_in(path: str, content: dict[str, Any]) -> None:
    """Let the params file at `path` hold `content`, whatever it holds and whether it is there or not."""
    output: Any = Output
    load, exists = dvc.dependency.param.load_path, output.exists.fget

    def load_path(fs_path: str, fs: Any, **settings: Any) -> Any:
        return content if fs_path == path else load(fs_path, fs, **settings)

    dvc.dependency.param.load_path = load_path
    output.exists = property(lambda self: (self.IS_DEPENDENCY and self.fs_path == path) or exists(self))


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
