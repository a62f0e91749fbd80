"""What DVC takes out of its cache is looked at first: a damaged object is dropped, and its stage runs again.

Only what comes back is read, and once a run; a stage that did not change costs nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from dvc.output import Output
from dvc.stage import Stage
from dvc.stage.cache import StageCache, _get_cache_hash

from flows import whole

_outs_cached: Any = Stage.outs_cached
_commit: Any = Output.commit
_load_cache: Any = StageCache._load_cache
_known: set[str] = set()  # objects that were found whole in this process


def outs_cached(stage: Any) -> bool:
    """Stands for DVC's question whether all that a stage made can be brought back."""
    for out in stage.outs:
        _look_at(out)
    return _outs_cached(stage)


def commit(out: Any, filter_info: Any = None, relink: bool = True) -> None:
    """Stands for DVC's way of keeping an out: it would leave a damaged object of that name, and link to it."""
    _look_at(out)
    _commit(out, filter_info=filter_info, relink=relink)


def load_cache(runs: Any, key: str, value: str) -> Any:
    """Stands for DVC's reading of a run that it noted, under a hash of all that it wrote."""
    entry = _load_cache(runs, key, value)
    if entry and _get_cache_hash(entry) != value:
        path = Path(runs._get_cache_path(key, value))
        path.unlink(missing_ok=True)
        _say(f"Damaged, and dropped from the run cache: {path.name}")
        return None
    return entry


def _look_at(out: Any) -> None:
    if not (out.use_cache and out.hash_info and out.hash_info.name == "md5"):
        return
    dropped = whole.drop_damaged(Path(out.cache.path), [out.hash_info.value], _known)
    if dropped:
        _say(f"Damaged, and dropped from DVC's cache: {', '.join(dropped)} of {out}")


def _say(line: str) -> None:
    """One write, so that a line of another thread cannot come into the middle of it."""
    sys.stdout.write(f"{line}\n")
