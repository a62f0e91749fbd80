"""Whether DVC is inside what this project knows: its functions are replaced only where all are as they were."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from functools import reduce
from importlib.metadata import version
from typing import Any


def difference(replaced: Mapping[str, str]) -> str:
    """One sentence on the functions (`module:name` -> its parameters) that are gone or called otherwise, else empty."""
    wrong = [name for name, parameters in replaced.items() if _parameters(name) != parameters]
    if not wrong:
        return ""
    return f"DVC {version('dvc')} is another one inside ({', '.join(wrong)}): it runs as it is, only slower."


def _parameters(name: str) -> str:
    """Those of a function or, as (self), of a property; empty where there is none."""
    module, _, path = name.partition(":")
    try:
        found: Any = reduce(getattr, path.split("."), importlib.import_module(module))
        function: Any = found.fget if isinstance(found, property) else found
        signature = inspect.signature(function)
    except (ImportError, AttributeError, TypeError, ValueError):
        return ""
    bare = [
        parameter.replace(annotation=inspect.Parameter.empty, default=_named(parameter.default))
        for parameter in signature.parameters.values()
    ]
    return str(inspect.Signature(bare))


def _named(default: Any) -> Any:
    """A function by its name: written out, it has an address of its own in each process."""
    return default.__name__ if inspect.isfunction(default) else default
