"""Pictures of prompts under interventions, each batch kept in the store under all that determines it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from culturebench.png import to_png
from culturebench.store import Store, key_of, pack, unpack
from culturebench.text_to_image.base import Conditioning, Edit, TextToImage


@dataclass(frozen=True)
class Intervention:
    """An edit of the attention output of one layer; `description` (JSON) holds all that determines it."""

    layer: int
    edit: Edit
    description: Mapping[str, Any]


@dataclass(frozen=True)
class Shot:
    """One picture to make: a prompt, the seed of its noise, and what is done to the encoder."""

    prompt: str
    seed: int
    intervention: Intervention | None = None


class KeptSampler:
    """A text-to-image system that never makes the same batch twice.

    `system` loads the model, and is called only when a batch is missing in `store`;
    `identity` (JSON) is all of weights, sampler, libraries and code that determines a picture.
    """

    def __init__(self, system: Callable[[], TextToImage], identity: Mapping[str, Any], store: Store) -> None:
        self._load = system
        self._identity = identity
        self._store = store

    @cached_property
    def system(self) -> TextToImage:
        """The loaded system."""
        return self._load()

    def pictures(self, shots: Sequence[Shot]) -> list[bytes]:
        """One PNG a shot. The batch is the unit that is kept: float sums may depend on a batch's other rows."""
        key = key_of({**self._identity, "shots": [_describe(shot) for shot in shots]})
        kept = self._store.get(key)
        if kept is not None:
            return unpack(kept)
        images = self.system.generate(self._conditioning(shots), [shot.seed for shot in shots])
        made = [to_png(image) for image in images]
        self._store.put(key, pack(made))
        return made

    def _conditioning(self, shots: Sequence[Shot]) -> Conditioning:
        """Every prompt is encoded alone, so that no other prompt's length decides its padding and its float sums."""
        encoded: dict[str, Conditioning] = {}
        for shot in shots:
            key = key_of(_describe_input(shot))
            if key not in encoded:
                encoded[key] = encode(self.system, shot.prompt, shot.intervention)
        rows = [encoded[key_of(_describe_input(shot))].tensors for shot in shots]
        return Conditioning({name: torch.cat([row[name] for row in rows]) for name in rows[0]})


def encode(system: TextToImage, prompt: str, intervention: Intervention | None) -> Conditioning:
    """The conditioning of one prompt under an intervention, or without any."""
    if intervention is None:
        return system.encode([prompt])
    with system.encoder.edited(intervention.layer, intervention.edit):
        return system.encode([prompt])


def _describe(shot: Shot) -> dict[str, Any]:
    return {**_describe_input(shot), "seed": shot.seed}


def _describe_input(shot: Shot) -> dict[str, Any]:
    done = shot.intervention
    if done is None:
        return {"prompt": shot.prompt, "intervention": None}
    return {"prompt": shot.prompt, "intervention": {"layer": done.layer, **done.description}}
