"""The text-to-image systems of params.yaml: their pins, loaded or behind a sampler that keeps its pictures."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from culturebench.errors import CultureBenchError
from culturebench.pins import fingerprint, pin_path, verified_folder
from culturebench.store import Store
from culturebench.text_to_image.base import TextToImage
from culturebench.text_to_image.loading import load_model
from culturebench.text_to_image.sampling import KeptSampler

if TYPE_CHECKING:
    from culturebench.params.encoders import Encoder
    from culturebench.params.models import Model


#: Libraries whose version can change a picture's bytes.
LIBRARIES = ("torch", "diffusers", "transformers", "tokenizers", "pillow")
#: Code of ours that does, beside the adapter's; relative to the package.
CODE = (
    "text_to_image/base.py",
    "text_to_image/sampling.py",
    "interventions/edits.py",
    "interventions/enhancer.py",
    "probing/sae.py",
)


class TowerError(CultureBenchError):
    """A model that names a tower which is no encoder, or several where one is edited."""


def single_tower(model: Model) -> str:
    """The one tower that interventions act on; `TowerError` for a model of several."""
    if len(model.towers) != 1:
        raise TowerError(f"interventions act on models of one tower, models.*.towers names {', '.join(model.towers)}")
    return model.towers[0]


def pins_of(model: Model, encoders: Mapping[str, Encoder], pins: Path) -> list[Path]:
    """The pin files of a model's towers, then of its backbone; `TowerError` for a tower that is no encoder."""
    unknown = [tower for tower in model.towers if tower not in encoders]
    if unknown:
        raise TowerError(f"models.*.towers names {', '.join(unknown)}; encoders has: {', '.join(encoders)}")
    names = [*(encoders[tower].pin for tower in model.towers), model.pin]
    return [pin_path(pins, name) for name in names]


def load_pinned(model: Model, encoders: Mapping[str, Encoder], pins: Path, steps: int) -> TextToImage:
    """The system of a model's pins, every file verified; `PinError` for a file that changed."""
    *towers, backbone = [verified_folder(path) for path in pins_of(model, encoders, pins)]
    return load_model(model.adapter, towers, backbone, steps)


def open_sampler(model: Model, encoders: Mapping[str, Encoder], pins: Path, steps: int, store: Store) -> KeptSampler:
    """A sampler of a model's pinned weights; the model is loaded at the first batch that `store` lacks."""
    identity = {
        "weights": [fingerprint(path) for path in pins_of(model, encoders, pins)],
        "adapter": model.adapter,
        "steps": steps,
        "libraries": {name: version(name) for name in LIBRARIES},
        "code": code_hash(f"text_to_image/{model.adapter}.py", *CODE),
    }
    return KeptSampler(lambda: load_pinned(model, encoders, pins, steps), identity, store)


def code_hash(*files: str) -> str:
    """Sha256 (hex) of modules of this package, comments and formatting left out."""
    package = Path(__file__).parents[1]
    trees = [ast.dump(ast.parse((package / file).read_text(encoding="utf-8"))) for file in files]
    return hashlib.sha256("\n".join(trees).encode()).hexdigest()
