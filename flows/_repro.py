"""DVC's command line with a quicker hand on `dvc.lock` and a quicker start of stages: the same runs, the same content.

`flows.dvc` starts this as a script with DVC's arguments. Plain `dvc repro` goes on to work as well, only slower; so
does this where DVC is another one inside.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from dvc.cli import main

#: What is replaced, and how it is called. `flows._lock_file` and `flows._fork` say why.
REPLACED = {
    "dvc.dvcfile:modify_yaml": "(path, fs=None)",
    "dvc.stage.run:_run": "(executable, cmd, **kwargs)",
}


def replace() -> None:
    """Put our functions in the place of DVC's, in this process."""
    from flows import _fork, _lock_file

    setattr(importlib.import_module("dvc.dvcfile"), "modify_yaml", _lock_file.modify_yaml)  # noqa: B010
    setattr(importlib.import_module("dvc.stage.run"), "_run", _fork.Stages().run)  # noqa: B010


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[1]))  # flows need not be installed
    from flows import _inside

    if difference := _inside.difference(REPLACED):
        print(difference, file=sys.stderr)
    else:
        replace()
    sys.exit(main(sys.argv[1:]))
