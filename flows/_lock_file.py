"""A quicker hand on `dvc.lock`: DVC's own content, and never half of it.

DVC reads and writes the whole file after every stage, by the parser that keeps comments, and in place. `dvc.lock` has
no comments: the parser without them takes about a quarter of the time, which at 120 stages is minutes of a run. And a
file that is renamed into its place is never found cut off.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dvc.utils.serialize import load_yaml, modify_yaml as _theirs
from ruamel.yaml import YAML

LOCK_FILE = "dvc.lock"


class LockFile:
    """Writes `dvc.lock`; `order` is where each stage stands in it, so that it does not matter which one ended first."""

    def __init__(self) -> None:
        self.order: Mapping[str, int] = {}

    @contextmanager
    def modify_yaml(self, path: str, fs: Any = None) -> Generator[dict[str, Any]]:
        """The content of the YAML file at `path`, to be changed in place; written back unless the block raises.

        Any other file than `dvc.lock` is left to DVC, which keeps its comments.
        """
        file = Path(path)
        if file.name != LOCK_FILE:
            with _theirs(path, fs=fs) as content:
                yield content
            return
        content = load_yaml(path) if file.exists() else {}
        yield content
        if stages := content.get("stages"):  # those that there no longer are come last
            last = len(self.order)
            content["stages"] = dict(sorted(stages.items(), key=lambda entry: self.order.get(entry[0], last)))
        # DVC's lock lets one process write; what a kill leaves is overwritten
        whole = file.with_name(f"{file.name}.tmp")
        whole.write_text(dumps(content), encoding="utf-8")
        whole.replace(file)


def dumps(content: dict[str, Any]) -> str:
    """YAML as DVC writes it; other quotes only around apostrophes, emoji and texts of several lines."""
    yaml: Any = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False
    yaml.representer.add_representer(type(None), _empty)
    yaml.representer.add_representer(OrderedDict, yaml.representer.__class__.represent_dict)
    stream = io.StringIO()
    yaml.dump(content, stream)
    return stream.getvalue().replace(": \n", ":\n")


def _empty(representer: Any, _: None) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:null", "")
