"""Pictures of prompts under interventions, each batch cached in the store under all that determines it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MethodType
from typing import TYPE_CHECKING, Any, cast

import torch
from PIL import Image

from culturebench.engine.batches import map_batches
from culturebench.engine.worker import Cached, Worker
from culturebench.png import to_png
from culturebench.store import Store, key_of, pack, unpack
from culturebench.text_to_image.base import Conditioning, Intervention, TextToImage, Together, parts_of

if TYPE_CHECKING:
    from culturebench.params.engine import Engine


@dataclass(frozen=True)
class Shot:
    """One picture to make: a prompt, the seed of its noise, and what is done to the system."""

    prompt: str
    seed: int
    intervention: Intervention | None = None


class Painter:
    """A loaded system that makes batches of pictures."""

    def __init__(self, system: TextToImage) -> None:
        self.system = system

    def __call__(self, shots: Sequence[Shot]) -> list[bytes]:
        """One PNG per shot, as of `paint`."""
        return to_pngs(self.paint(shots))

    def paint(self, shots: Sequence[Shot]) -> list[Image.Image]:
        """One picture per shot; prompts of other lengths than each other's make pictures in batches of their own."""
        found: dict[int, Image.Image] = {}
        for places, conditioning in self._conditionings(shots):
            with self._adapted(shots):
                images = self.system.generate(conditioning, [shots[place].seed for place in places])
            found |= dict(zip(places, images, strict=True))
        return [found[place] for place in range(len(shots))]

    def _adapted(self, shots: Sequence[Shot]) -> AbstractContextManager[None]:
        """What is done to the denoiser: all pictures of a batch go through it together."""
        adapters = parts_of(shots[0].intervention, "denoiser")
        assert all(parts_of(shot.intervention, "denoiser") == adapters for shot in shots), (
            "a batch has one adapter of the denoiser"
        )
        return Together(adapters).applied(self.system)

    def _conditionings(self, shots: Sequence[Shot]) -> Iterator[tuple[list[int], Conditioning]]:
        """Every prompt is encoded alone, so that no other prompt's length decides its padding and its float sums."""
        encoded: dict[str, Conditioning] = {}
        alike: dict[Any, list[int]] = {}
        keys = [key_of(_describe_input(shot)) for shot in shots]
        for place, (key, shot) in enumerate(zip(keys, shots, strict=True)):
            if key not in encoded:
                encoded[key] = encode(self.system, shot.prompt, shot.intervention)
            shapes = tuple((name, tensor.shape) for name, tensor in encoded[key].tensors.items())
            alike.setdefault(shapes, []).append(place)
        for places in alike.values():
            rows = [encoded[keys[place]].tensors for place in places]
            yield places, Conditioning({name: torch.cat([row[name] for row in rows]) for name in rows[0]})


class CachedSampler:
    """A text-to-image system that never makes the same batch twice.

    `load` gives the system, and is called only when a batch is missing in `store`, once in every process of `engine`;
    `identity` (JSON) is all of weights, sampler, libraries and code that determines a picture.
    """

    def __init__(
        self, load: Callable[[], TextToImage], identity: Mapping[str, Any], store: Store, engine: Engine
    ) -> None:
        self._painter = Worker[Shot, bytes](lambda: Painter(load()).paint, to_pngs)
        self._identity = identity
        self._cached = Cached(store, self._key, pack, unpack)
        self._engine = engine

    @property
    def system(self) -> TextToImage:
        """The system, loaded in this process."""
        return cast(Painter, cast(MethodType, self._painter.loaded).__self__).system

    def pictures(self, batches: Sequence[Sequence[Shot]], label: str) -> Iterator[list[bytes]]:
        """One PNG per shot. The batch is the unit that is kept: float sums may depend on a batch's other rows."""
        done = map_batches(
            self._painter, batches, engine=self._engine, label=label, total=len(batches), cached=self._cached
        )
        return cast(Iterator[list[bytes]], done)

    def _key(self, shots: Sequence[Shot]) -> str:
        return key_of({**self._identity, "shots": [_describe(shot) for shot in shots]})


def to_pngs(images: Sequence[Image.Image]) -> list[bytes]:
    """The pictures as PNG: work of the CPU, which a thread does beside the device."""
    return [to_png(image) for image in images]


def encode(system: TextToImage, prompt: str, intervention: Intervention | None) -> Conditioning:
    """The conditioning of one prompt under what of an intervention acts on the encoder, or without any."""
    with Together(parts_of(intervention, "encoder")).applied(system):
        return system.encode([prompt])


def _describe(shot: Shot) -> dict[str, Any]:
    return {**_describe_input(shot), "seed": shot.seed}


def _describe_input(shot: Shot) -> dict[str, Any]:
    done = shot.intervention
    return {"prompt": shot.prompt, "intervention": None if done is None else dict(done.description)}
