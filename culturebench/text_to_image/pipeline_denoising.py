"""`Denoising` of any pipeline of diffusers: its own call, with gradients, for one step or for the last ones.

Nothing of a pipeline's inside is written again here (packing, size conditions, guidance, position ids), so nothing
can differ from what it does.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from culturebench.errors import CultureBenchError
from culturebench.text_to_image.adapters.pipeline import PipelineSystem, guides
from culturebench.text_to_image.base import TextEncoder
from culturebench.text_to_image.denoising import Estimate, square_pixels
from culturebench.text_to_image.noise import NoiseLevels, OneStep, levels_of

#: Rows of one pass, which a full device halves.
ROWS = 8
#: Pipelines that hand on a noise level for each row, as was compared with their denoisers called by hand.
SEVERAL = ("StableDiffusionPipeline", "StableDiffusionXLPipeline", "StableDiffusion3Pipeline", "FluxPipeline")


class PipelineDenoisingError(CultureBenchError):
    """A pipeline through which no gradient can flow."""


class PipelineDenoising:
    """`Denoising` of a system around a pipeline, in passes of one row where it takes one noise level a call."""

    def __init__(self, system: PipelineSystem) -> None:
        self.system = system
        pipe = system.pipe
        if getattr(pipe, "_offload_device", None) is not None:
            raise PipelineDenoisingError(
                "weights that wait on the CPU cannot be trained through; set models.*.runtime.offload: none for "
                "train_enhancer, and with little memory train_enhancer.gradient_checkpointing: true"
            )
        for part in pipe.components.values():
            if isinstance(part, nn.Module):
                part.eval().requires_grad_(False)
        self.denoiser: Any = system.denoiser
        self._call = inspect.unwrap(type(pipe).__call__)  # without torch.no_grad
        self.size = int(system.settings.get("height") or _usual_size(pipe, self.denoiser))
        self._levels: NoiseLevels | None = None

    @property
    def encoder(self) -> TextEncoder:
        """The tower that is edited."""
        return self.system.encoder

    @property
    def rows_at_once(self) -> int | None:
        """Most rows of one pass."""
        return ROWS if type(self.system.pipe).__name__ in SEVERAL else 1

    @property
    def device(self) -> torch.device:
        """Where the pipeline computes."""
        return self.system.device

    @property
    def levels(self) -> int:
        """Number of noise levels; the last is the noisiest."""
        return int(self.system.pipe.scheduler.config.num_train_timesteps)

    def pixels(self, images: Sequence[Image.Image]) -> Tensor:
        """Pixels (b, 3, size, size) in -1..1."""
        return self._here(square_pixels(images, self.size))

    @torch.no_grad()
    def latents(self, pixels: Tensor) -> Tensor:
        """Scaled latents (b, c, h, w); where the pipeline packs its latents, packed ones (b, tokens, 4 c)."""
        pipe = self.system.pipe
        mean, scale = self._scaling()
        films = pixels[:, :, None] if self._films else pixels
        plain = _mode(pipe.vae.encode(films.to(pipe.vae.dtype))).float()
        plain = ((pipe._patchify_latents(plain) if self._folds else plain) - mean) * scale
        plain = plain[:, :, 0] if self._films else plain
        return pipe._pack_latents(plain, *plain.shape) if self._packs else plain

    def decode(self, latents: Tensor) -> Tensor:
        """Pixels (b, 3, size, size), about -1..1."""
        pipe = self.system.pipe
        plain = pipe._unpack_latents(latents, self.size, self.size, pipe.vae_scale_factor) if self._packs else latents
        mean, scale = self._scaling()
        plain = plain / scale + mean
        plain = pipe._unpatchify_latents(plain) if self._folds else plain
        made = pipe.vae.decode(plain.to(pipe.vae.dtype)).sample
        return made[:, :, 0] if self._films else made

    def conditions(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        """What the pipeline reads of the prompts, under its own argument names."""
        return self.system.states(prompts)

    def estimate(self, condition: Mapping[str, Tensor], clean: Tensor, noise: Tensor, times: Tensor) -> Estimate:
        """As seen from noise levels `times` (b,), in the conditional half alone."""
        noisy = self.noise_levels(clean).noised(clean, noise.to(clean.device), times)
        most = self.rows_at_once or len(times)
        parts = [slice(start, start + most) for start in range(0, len(times), most)]
        made = [
            self.one_step({name: rows[part] for name, rows in condition.items()}, noisy[part], times[part].tolist())
            for part in parts
        ]
        return Estimate(torch.cat([part.clean for part in made]), torch.cat([part.predicted for part in made]))

    def one_step(
        self, condition: Mapping[str, Tensor], noisy: Tensor, at: int | Sequence[int], *, guided: bool = False
    ) -> Estimate:
        """As seen from the noise level `at` of all rows, or of each, in float32."""
        pipe = copy.copy(self.system.pipe)
        pipe.scheduler = step = OneStep(pipe.scheduler.config, self.noise_levels(noisy), at)
        settings = self.system.settings if guided else {**self.system.settings, **self._without_guidance()}
        clean = self._made(pipe, self.system.arguments(condition, guided=guided), noisy, settings)
        assert step.predicted is not None
        rows = step.predicted
        return Estimate(clean, rows.transpose(1, 2).reshape(noisy.shape) if self._folds else rows)

    def sample(self, condition: Mapping[str, Tensor], noise: Tensor, last: int) -> Tensor:
        """Latents (b, ...) that the pipeline makes of `noise`, its steps, scheduler and guidance as ever."""
        pipe = copy.copy(self.system.pipe)
        pipe.scheduler = copy.deepcopy(pipe.scheduler)
        arguments = self.system.arguments(condition, guided=True)
        with self._tracked(pipe, last) as count:
            settings = {**self.system.settings, "callback_on_step_end": count}
            return self._made(pipe, arguments, noise, settings).float()

    def use_checkpointing(self) -> None:
        """Keep no activations inside of blocks."""
        for module in (self.denoiser, self.system.pipe.vae):
            module.enable_gradient_checkpointing()

    def _made(self, pipe: Any, arguments: dict[str, Tensor], latents: Tensor, settings: dict[str, Any]) -> Tensor:
        start = self._here(latents).to(self.denoiser.dtype)
        made = self._call(pipe, **arguments, **settings, latents=start, output_type="latent").images
        if not self._folds:
            return made
        mean, scale = self._scaling()  # the call ends with the autoencoder's own latents
        return (pipe._patchify_latents(made) - mean) * scale

    @contextmanager
    def _tracked(self, pipe: Any, last: int) -> Generator[Any]:
        """Within the block the denoiser takes gradients in the `last` steps alone; gives what counts the steps."""
        outside = torch.is_grad_enabled()
        done: list[int] = []

        def before(*_: Any) -> None:
            torch.set_grad_enabled(outside and len(done) >= len(pipe.scheduler.timesteps) - last)

        def after(*_: Any) -> None:
            torch.set_grad_enabled(outside)

        def count(_pipe: Any, step: int, _time: Any, values: dict[str, Any]) -> dict[str, Any]:
            done.append(step)
            return values

        hooks = [
            self.denoiser.register_forward_pre_hook(before),
            self.denoiser.register_forward_hook(after, always_call=True),
        ]
        try:
            yield count
        finally:
            for hook in hooks:
                hook.remove()
            torch.set_grad_enabled(outside)

    def noise_levels(self, latents: Tensor) -> NoiseLevels:
        """The levels of the pipeline's scheduler, for latents (b, ...) of this size."""
        if self._levels is None:
            tokens = latents.shape[1] if self._packs else latents[0, 0].numel() // self._patch**2
            self._levels = levels_of(self.system.pipe.scheduler, tokens)
        return self._levels

    @property
    def _patch(self) -> int:
        return int(self.denoiser.config.get("patch_size") or 1)

    @property
    def _packs(self) -> bool:
        return hasattr(self.system.pipe, "_pack_latents") and not self._folds

    @property
    def _folds(self) -> bool:
        """Whether four neighbours are channels of one latent, scaled by a batch norm, as in FLUX.2."""
        return hasattr(self.system.pipe, "_patchify_latents") and hasattr(self.system.pipe.vae, "bn")

    def _scaling(self) -> tuple[Any, Any]:
        """What is taken off an autoencoder's latents, and what they are then multiplied by."""
        config = self.system.pipe.vae.config
        if self._folds:
            norm = self.system.pipe.vae.bn
            return norm.running_mean.view(1, -1, 1, 1), (norm.running_var.view(1, -1, 1, 1) + norm.eps).rsqrt()
        mean, deviation = config.get("latents_mean"), config.get("latents_std")
        if mean is not None and deviation is not None:
            shape = (1, -1, 1, 1, 1) if self._films else (1, -1, 1, 1)
            shaped = [self._here(torch.tensor(values)).view(shape) for values in (mean, deviation)]
            return shaped[0], config.get("scaling_factor", 1.0) / shaped[1]
        return config.get("shift_factor") or 0.0, config.scaling_factor

    @property
    def _films(self) -> bool:
        """Whether the autoencoder is one of films, to which a picture is a film of one frame."""
        return "temperal_downsample" in self.system.pipe.vae.config

    def _without_guidance(self) -> dict[str, float]:
        """What turns the unconditional half off; a distilled guidance, which has none, stays."""
        if not self.system.negative:
            return {}
        accepted = inspect.signature(type(self.system.pipe).__call__).parameters
        scale = 0.0 if guides(self.system.pipe, 1.0) else 1.0  # of a scale that is added to the conditional half, 0
        return {("true_cfg_scale" if "true_cfg_scale" in accepted else "guidance_scale"): scale}

    def _here(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.system.device)


def _mode(encoded: Any) -> Tensor:
    """The latents of what an autoencoder's `encode` gives: a distribution's mode, or themselves."""
    return encoded.latent_dist.mode() if hasattr(encoded, "latent_dist") else encoded.latent


def _usual_size(pipe: Any, denoiser: Any) -> int:
    return int(getattr(pipe, "default_sample_size", denoiser.config.sample_size) * pipe.vae_scale_factor)
