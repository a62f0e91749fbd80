"""Shows where culture fades in a text-to-image model, and what brings it back.

The names below are the library's front; each is imported when it is asked for, and torch not before.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from culturebench.interventions.adapters.load import lora
    from culturebench.interventions.pipelines import activate, amplify, enhance, load_neurons, mask, steer

    __version__: str

__all__ = ["__version__", "activate", "amplify", "enhance", "load_neurons", "lora", "mask", "steer"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name == "lora":
        return import_module(f"{__name__}.interventions.adapters.load").lora
    if name in __all__:
        return getattr(import_module(f"{__name__}.interventions.pipelines"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    try:
        return version(__name__)
    except PackageNotFoundError:  # read from a clone that nobody installed, as in the containers of deploy/
        return "0+unknown"
