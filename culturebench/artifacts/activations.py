"""How each neuron of a decoder fires on each culture's detect questions: statistics alone, no activations."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, numpy as arrays, safe_open

from culturebench.artifacts._table import ArtifactError

STAGE = "probe_vlm"
DIRECTORY = "models/activations"
PATH = DIRECTORY + "/{audit}.safetensors"


@dataclass(frozen=True)
class Activations:
    """Both arrays are (cultures, layers, neurons) float32; `counted`: tokens of each culture behind them."""

    cultures: Sequence[str]
    frequency: NDArray[np.float32]  # share of tokens on which a neuron fires
    mean: NDArray[np.float32]
    counted: Sequence[int]


def save(path: Path, found: Activations) -> None:
    """Write the arrays, cultures in their order as metadata."""
    about = json.dumps({"cultures": list(found.cultures), "counted": list(found.counted)}, ensure_ascii=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    library: Any = arrays
    library.save_file({"frequency": found.frequency, "mean": found.mean}, temporary, metadata={"about": about})
    temporary.replace(path)


def load(path: Path) -> Activations:
    """What `save` wrote; `ArtifactError` when it is missing or damaged."""
    try:
        opened: Any = safe_open(path, "np")
        with opened as file:
            told = json.loads(file.metadata()["about"])
            frequency, mean = (file.get_tensor(name) for name in ("frequency", "mean"))
        return Activations(told["cultures"], frequency, mean, told["counted"])
    except FileNotFoundError:
        raise ArtifactError(f"{path} is missing; run `dvc repro {STAGE}`") from None
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise ArtifactError(f"{path} holds no activations ({error}); run `dvc repro -f {STAGE}`") from None
