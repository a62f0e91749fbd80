"""What the systems around a pipeline of diffusers share: towers in, guidance inside, pictures out."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch import Tensor

from culturebench.text_to_image.adapters.batches import Batches
from culturebench.text_to_image.adapters.parts import BackboneError, denoiser_of, load_parts, placed
from culturebench.text_to_image.base import Conditioning, TextEncoder

if TYPE_CHECKING:
    from culturebench.params.models import Model

#: The towers' states, in their order -> the tensors that the pipeline reads, under its own argument names.
Join = Callable[[Sequence[dict[str, Tensor]]], dict[str, Tensor]]


@dataclass
class PipelineSystem:
    """A pipeline without text encoders, and the towers that stand in for them.

    `join` makes the pipeline's arguments of the towers' states; `negative` holds those of the unconditional half,
    one row each, which no edit ever reaches: it is made before any can be in force. Empty without guidance.
    """

    pipe: Any
    towers: list[Any]
    edited: int
    join: Join
    settings: dict[str, Any]
    batches: Batches
    negative: dict[str, Tensor] = field(default_factory=dict[str, Tensor])

    @cached_property
    def device(self) -> torch.device:
        """Where the pipeline computes; it looks through all its modules to find out, at every call."""
        return self.pipe._execution_device

    @property
    def encoder(self) -> TextEncoder:
        """The tower that interventions act on."""
        return self.towers[self.edited]

    @property
    def denoiser(self) -> Any:
        """The pipeline's UNet or transformer."""
        return denoiser_of(self.pipe)

    def states(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        """What the backbone reads of the prompts; gradients flow where they are on."""
        return self.join([tower.run(tower.tokenize_full(prompts)) for tower in self.towers])

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> Conditioning:
        """Conditioning of the prompts, under whatever edits are in force on a tower."""
        return Conditioning(self.states(prompts))

    @torch.no_grad()
    def generate(self, conditioning: Conditioning, seeds: Sequence[int]) -> list[Image.Image]:
        """One picture per row, its noise from its own seed, drawn on the CPU so that devices agree."""

        def work(rows: Sequence[int]) -> list[Image.Image]:
            return self._sample(conditioning.rows(rows).tensors, [seeds[row] for row in rows])

        return self.batches.map(work, range(len(seeds)))

    def arguments(self, conditioning: Mapping[str, Tensor], *, guided: bool = False) -> dict[str, Any]:
        """The call's arguments of a conditioning, on the pipeline's device; with its other half where `guided`."""
        found = {name: self._placed(tensor) for name, tensor in conditioning.items()}
        count = len(next(iter(found.values())))
        for name, tensor in self.negative.items() if guided else ():
            found[f"negative_{name}"] = self._placed(tensor.expand(count, *tensor.shape[1:]))
        return found

    def _sample(self, tensors: dict[str, Tensor], seeds: Sequence[int]) -> list[Image.Image]:
        noise = [torch.Generator().manual_seed(seed) for seed in seeds]
        given = self.arguments(tensors, guided=True)
        return self.pipe(**given, **self.settings, generator=noise, output_type="pil").images

    def _placed(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.device, self.denoiser.dtype if tensor.is_floating_point() else None)


def assemble(
    kind: Any,
    join: Join,
    model: Model,
    towers: Sequence[TextEncoder],
    backbone: Path,
    steps: int,
    *,
    halves: int = 2,
    **given: Any,
) -> PipelineSystem:
    """The system of a pipeline class and the parts in `backbone`, without the pipeline's own text encoders.

    `halves` is 1 where guidance is distilled and there is no unconditional half; `given` goes to the pipeline class.
    """
    parts = load_parts(backbone, model.runtime, model.scheduler)
    slots = inspect.signature(kind.__init__).parameters.values()
    empty = {slot.name: None for slot in slots if slot.name != "self" and slot.default is inspect.Parameter.empty}
    pipe = placed(kind(**{**empty, **parts, **given}), model.runtime)
    batches = Batches(model.runtime.batch)
    system = PipelineSystem(pipe, list(towers), edited_index(model), join, settings_of(model, steps), batches)
    if halves == 2:
        system.negative = dict(system.encode([model.negative_prompt]).tensors)
    return system


def settings_of(model: Model, steps: int) -> dict[str, Any]:
    """The pipeline's arguments that params set; what they leave open stays the pipeline's own choice."""
    size = {} if model.size is None else {"height": model.size, "width": model.size}
    guidance = {} if model.guidance is None else {"guidance_scale": model.guidance}
    return {"num_inference_steps": model.steps or steps, **size, **guidance}


def guides(pipe: Any, scale: float) -> bool:
    """Whether a pipeline has an unconditional half at this scale; most have above 1, and some say so otherwise."""
    asked = copy.copy(pipe)
    asked._guidance_scale = asked._true_cfg_scale = scale
    try:
        return bool(asked.do_classifier_free_guidance)
    except AttributeError:
        return scale > 1


def edited_index(model: Model) -> int:
    """The place of the tower that interventions act on; the first where params name none."""
    return model.towers.index(model.edited) if model.edited else 0


def take(states: dict[str, Tensor], key: str, tower: str) -> Tensor:
    """One state of a tower; `BackboneError` when its kind does not give it."""
    if key not in states:
        raise BackboneError(f"the tower {tower} gives no state {key!r}, only {', '.join(states)}; see models.*.towers")
    return states[key]
