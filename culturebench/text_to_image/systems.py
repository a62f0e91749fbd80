"""The text-to-image systems of params.yaml: their pins, loaded or behind a sampler that keeps its pictures."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturebench.artifacts import towers as tower_entries
from culturebench.artifacts.pins import Pin, load as load_pin
from culturebench.code import code_hash
from culturebench.errors import CultureBenchError
from culturebench.params._encoder import Encoder
from culturebench.pins import fingerprint, pin_path, verified
from culturebench.store import Store
from culturebench.text_to_image.base import TextToImage
from culturebench.text_to_image.cut import told_cut
from culturebench.text_to_image.loading import load_encoder, load_model
from culturebench.text_to_image.sampling import CachedSampler

if TYPE_CHECKING:
    from culturebench.params.engine import Engine
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
#: Code that the systems around a pipeline share.
HUB_CODE = (
    "text_to_image/adapters/compiled.py",
    "text_to_image/adapters/parts.py",
    "text_to_image/adapters/pipeline.py",
    "text_to_image/adapters/reading.py",
    "text_to_image/encoders/altdiffusion.py",
    "text_to_image/encoders/families.py",
    "text_to_image/encoders/files.py",
    "text_to_image/encoders/hub.py",
    "text_to_image/encoders/open_clip.py",
    "text_to_image/runtime.py",
)


class TowerError(CultureBenchError):
    """A model that names a tower which is no encoder, or several where one is edited."""


def edited_tower(model: Model) -> str:
    """The tower that interventions act on; `TowerError` for a model without towers, or with several and none named."""
    if model.closed:
        raise TowerError(model.closed)
    if model.edited is None and len(model.towers) > 1:
        raise TowerError(f"interventions act on one tower; name it in models.*.edited: {', '.join(model.towers)}")
    return model.edited or model.towers[0]


def load_towers(path: Path) -> dict[str, Encoder]:
    """The encoders that a model takes, as bind_pins gathered them; `ArtifactError` for a missing or damaged file."""
    return {name: Encoder.model_validate(entry) for name, entry in tower_entries.load(path).items()}


def pins_of(model: Model, encoders: Mapping[str, Encoder], pins: Path) -> list[Path]:
    """The pin files of a model's towers, its backbone and its bridge; `TowerError` for a tower that is no encoder."""
    unknown = [tower for tower in model.towers if tower not in encoders]
    if unknown:
        raise TowerError(f"models.*.towers names {', '.join(unknown)}; encoders has: {', '.join(encoders)}")
    names = [*(encoders[tower].pin for tower in model.towers), model.pin, *([model.bridge] if model.bridge else [])]
    return [pin_path(pins, name) for name in names]


def load_pinned(model: Model, encoders: Mapping[str, Encoder], pins: Path, steps: int) -> TextToImage:
    """The system of a model's pins, every file verified; `PinError` for a file that changed."""
    return _load(model, encoders, _read(model, encoders, pins), steps)


def _read(model: Model, encoders: Mapping[str, Encoder], pins: Path) -> dict[str, Pin]:
    return {path.stem: load_pin(path) for path in pins_of(model, encoders, pins)}


def _load(model: Model, encoders: Mapping[str, Encoder], pins: Mapping[str, Pin], steps: int) -> TextToImage:
    """Needs no file of the project but the weights, so that any machine that has these can do it."""
    folders = {name: verified(pin) for name, pin in pins.items()}  # several towers often lie in one repository
    towers = [load_encoder(encoders[name], folders[encoders[name].pin]) for name in model.towers]
    return load_model(model, towers, folders[model.pin], folders[model.bridge] if model.bridge else None, steps)


class Sampler(CachedSampler):
    """The sampler of a model of params.yaml."""

    def tell_cut(self, prompts: Sequence[tuple[str, str]]) -> None:
        """Say which of the prompts (region, text) the model's towers cut.

        Nothing is said where all pictures were there and the model was not loaded; it was said when they were made.
        """
        towers: Sequence[Any] = getattr(self.system, "towers", ()) if self._painter.is_loaded else ()
        for number, tower in enumerate(towers, start=1):
            if said := told_cut(tower, prompts):
                print(f"text encoder {number} of {len(towers)}: {said}", file=sys.stderr)


def open_sampler(model: Model, towers: Path, pins: Path, steps: int, store: Store, engine: Engine) -> Sampler:
    """A sampler of a model's pinned weights; the model is loaded at the first batch that `store` lacks."""
    encoders = load_towers(towers)
    load = partial(_load, model, encoders, _read(model, encoders, pins), steps)
    return Sampler(load, identity_of(model, encoders, pins, steps), store, engine)


def identity_of(
    model: Model, encoders: Mapping[str, Encoder], pins: Path, steps: int, code: Sequence[str] = ()
) -> dict[str, Any]:
    """All of weights, sampler, libraries and code (with `code`, more modules of ours) that determines a picture."""
    return {
        "weights": [fingerprint(path) for path in pins_of(model, encoders, pins)],
        "model": model.model_dump(mode="json", exclude={"pin", "bridge", "towers", "edited"}),
        "encoders": [encoders[name].reading for name in model.towers],
        "steps": steps,
        "libraries": {name: version(name) for name in LIBRARIES},
        "code": code_hash(*_code_of(model.adapter), *code),
    }


def _code_of(adapter: str) -> tuple[str, ...]:
    if adapter == "atlas":
        return ("text_to_image/atlas.py", "text_to_image/encoders/atlas.py", *CODE)
    return (f"text_to_image/adapters/{adapter}.py", *HUB_CODE, *CODE)
