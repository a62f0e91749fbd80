"""DVC's command line with independent stages side by side, and an eye on what it restores.

`flows.dvc` starts this as a script: a JSON object first, how many stages may be at work and on which devices, and then
DVC's arguments. Its hand on `dvc.lock` and its start of stages are quicker, too. Plain `dvc repro` gives the same
content, only slower and trusting its cache; so does this where DVC is another one inside.
"""

from __future__ import annotations

import importlib
import json
import sys
from functools import reduce
from pathlib import Path
from typing import Any

from dvc.cli import main

#: What is replaced, and how it is called. `flows._lock_file`, `_fork`, `_side_by_side` and `_whole` say why.
REPLACED = {
    "dvc.dvcfile:modify_yaml": "(path, fs=None)",
    "dvc.stage.run:_run": "(executable, cmd, **kwargs)",
    "dvc.rwlock:rwlock": "(tmp_dir, fs, cmd, read, write, hardlink)",
    "dvc.repo.reproduce:_reproduce": "(stages, graph=None, force_downstream=False, on_error='fail', force=False, "
    "repro_fn='_reproduce_stage', **kwargs)",
    "dvc.repo.reproduce:_reproduce_stage": "(stage, **kwargs)",
    "dvc.stage.run:_make_cmd": "(executable, cmd)",
    "dvc.stage:Stage.outs_cached": "(self)",
    "dvc.output:Output.commit": "(self, filter_info=None, relink=True)",
    "dvc.stage.cache:StageCache._load_cache": "(self, key, value)",
    "dvc.stage.cache:_get_cache_hash": "(cache, key=False)",
}


def replace(settings: dict[str, Any]) -> None:
    """Put our functions in the place of DVC's, in this process."""
    from flows import _whole
    from flows._lock_file import LockFile
    from flows._side_by_side import SideBySide

    lock_file = LockFile()
    runner = SideBySide(**settings, lock_file=lock_file)
    ours = {
        "dvc.dvcfile:modify_yaml": lock_file.modify_yaml,
        "dvc.stage.run:_run": runner.run,
        "dvc.rwlock:rwlock": runner.rwlock,
        "dvc.repo.reproduce:_reproduce": runner.reproduce,
        "dvc.stage:Stage.outs_cached": _whole.outs_cached,
        "dvc.output:Output.commit": _whole.commit,
        "dvc.stage.cache:StageCache._load_cache": _whole.load_cache,
    }
    for name, function in ours.items():
        module, _, path = name.partition(":")
        *holders, attribute = path.split(".")
        setattr(reduce(getattr, holders, importlib.import_module(module)), attribute, function)


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[1]))  # flows need not be installed
    from flows import _inside

    settings = json.loads(sys.argv.pop(1))
    if difference := _inside.difference(REPLACED):
        print(difference, file=sys.stderr)
    else:
        replace(settings)
    sys.exit(main(sys.argv[1:]))
