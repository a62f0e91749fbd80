"""What the user's own functions say of pictures: their result is checked, since it is not this project's."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from culturebench.errors import CultureBenchError

Numbers = NDArray[np.float64]


class CustomModelError(CultureBenchError):
    """A function named in params.yaml that cannot be found, or that returns something else than was asked for."""


def load_function(use: str, key: str) -> Callable[..., Any]:
    """The function at the import path `use` (module:name), as it stands under `key` of params.yaml."""
    module, _, name = use.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise CustomModelError(
            f"{key}.use in params.yaml is {use!r}, and that cannot be imported ({error}); "
            "the module has to be installed, or to lie in the project's root"
        ) from None
    if not callable(found):
        raise CustomModelError(f"{key}.use in params.yaml is {use!r}, which is no function but {type(found).__name__}")
    return found


def ask(function: Callable[..., Any], key: str, *columns: Sequence[Any], dimensions: int = 1) -> Numbers:
    """What the function says of each picture: finite numbers (n,), or vectors (n, d) for two `dimensions`."""
    n = len(columns[0])
    found = function(*columns)
    kind = "finite numbers" if dimensions == 1 else "finite vectors of one length"
    try:
        values = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(())
    if values.ndim != dimensions or len(values) != n or not np.isfinite(values).all():
        raise CustomModelError(f"{key}.use in params.yaml: {n} {kind} are needed for {n} pictures, got {found!r:.100}")
    return values
