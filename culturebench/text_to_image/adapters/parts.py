"""The parts of a pipeline's folder, each loaded from its own subfolder by the class that its config names."""

from __future__ import annotations

import inspect
import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import diffusers
import torch
from torch import Tensor

from culturebench.errors import CultureBenchError
from culturebench.text_to_image.adapters.compiled import check_compiler, compile_part
from culturebench.text_to_image.runtime import device_of, dtype_of

if TYPE_CHECKING:
    from culturebench.params.models import ModelRuntime, Scheduler

DENOISERS = ("unet", "transformer")


class BackboneError(CultureBenchError):
    """A backbone's folder that is incomplete, or of a kind that cannot be used."""


def load_parts(folder: Path, how: ModelRuntime, scheduler: Scheduler | None = None) -> dict[str, Any]:
    """Denoiser, `vae` and `scheduler`, frozen; `model_index.json` is not needed, and pickles are refused."""
    name = next((name for name in DENOISERS if (folder / name).is_dir()), None)
    if name is None:
        raise BackboneError(f"{folder} holds neither unet/ nor transformer/; `pin` must be a pipeline's folder")
    denoiser = _load(folder / name, dtype_of(how), how.device_map)
    parts = {name: denoiser, "vae": _load(folder / "vae", dtype_of(how, how.vae), None)}
    for part in parts.values():
        part.eval().requires_grad_(False)
    if parts["vae"].dtype != denoiser.dtype:
        decoding_in_its_own_dtype(parts["vae"])
    return {**parts, "scheduler": load_scheduler(folder / "scheduler", scheduler)}


def load_scheduler(folder: Path, chosen: Scheduler | None) -> Any:
    """The scheduler in `folder`, or the one that params name with the settings there; `BackboneError` for none."""
    if chosen is None:
        kind = _class_of(folder / "scheduler_config.json")
        return kind.from_pretrained(folder, local_files_only=True)
    kind = getattr(diffusers, chosen.kind, None)
    if kind is None or not hasattr(kind, "set_timesteps"):
        raise BackboneError(
            f"models.*.scheduler.class is {chosen.kind!r}, which is no scheduler of diffusers {diffusers.__version__}"
        )
    known = list(inspect.signature(kind.__init__).parameters)[1:]
    if unknown := [name for name in chosen.settings if name not in known]:
        raise BackboneError(
            f"models.*.scheduler.settings: {chosen.kind} has no {', '.join(unknown)}; it has: {', '.join(known)}"
        )
    return kind.from_pretrained(folder, local_files_only=True, **chosen.settings)


def decoding_in_its_own_dtype(vae: Any) -> Any:
    """The autoencoder, given latents of any precision: pipelines hand over those of the denoiser."""
    decode = vae.decode

    def cast(latents: Tensor, *args: Any, **kwargs: Any) -> Any:
        return decode(latents.to(vae.dtype), *args, **kwargs)

    vae.decode = cast
    return vae


def denoiser_of(pipe: Any) -> Any:
    """The UNet or transformer of a pipeline; `BackboneError` for one that has neither."""
    found = next((part for name in DENOISERS if (part := getattr(pipe, name, None)) is not None), None)
    if found is None:
        raise BackboneError(f"{type(pipe).__name__} has neither a unet nor a transformer; give a pipeline that has one")
    return found


def read_index(folder: Path) -> dict[str, Any]:
    """What `model_index.json` says beside the parts' classes; empty where there is none."""
    path = folder / "model_index.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def placed(pipe: Any, how: ModelRuntime) -> Any:
    """The pipeline on its device, or waiting on the CPU as `offload` says; no text encoder is ever compiled.

    `BackboneError` for an attention, and `CompileError` for a compiler, that does not work here.
    """
    pipe.set_progress_bar_config(disable=True)
    if how.attention != "auto":
        _use_attention(denoiser_of(pipe), how.attention)
    if how.channels_last:
        use_channels_last(pipe)
    _move(pipe, how)
    if how.compile is not None:
        compile_parts(pipe, how.compile, device_of(how))
    return pipe


def use_channels_last(pipe: Any) -> None:
    """Lay out the weights of two-dimensional convolutions (out, in, height, width) of a UNet and of `vae`, in place."""
    for part in (getattr(pipe, "unet", None), getattr(pipe, "vae", None)):
        for parameter in () if part is None else part.parameters():
            if parameter.dim() == 4:  # others have no such layout
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def compile_parts(pipe: Any, backend: str, device: torch.device) -> None:
    """Compile the denoiser and the decoder of `vae`, in place; `CompileError` for a compiler that does not work."""
    check_compiler(backend, device)
    for part in (denoiser_of(pipe), getattr(getattr(pipe, "vae", None), "decoder", None)):
        if part is not None:
            compile_part(part, backend)


def _move(pipe: Any, how: ModelRuntime) -> None:
    if how.offload == "none":
        if not how.device_map:
            pipe.to(device_of(how))
        else:
            pipe.vae.to(device_of(how))  # the denoiser is spread already, and brings its result back
        return
    _need_accelerate(f"models.*.runtime.offload: {how.offload}")
    if how.offload == "model":
        pipe.enable_model_cpu_offload(device=device_of(how))
    else:
        pipe.enable_sequential_cpu_offload(device=device_of(how))


def _use_attention(denoiser: Any, name: str) -> None:
    try:
        denoiser.set_attention_backend("native" if name in ("sdpa", "eager") else "flash")
    except (ImportError, RuntimeError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BackboneError(
            f"models.*.runtime.attention: {name} does not work here ({reason}); auto always does"
        ) from None


def _load(folder: Path, dtype: torch.dtype, device_map: str | None) -> Any:
    if device_map:
        _need_accelerate(f"models.*.runtime.device_map: {device_map}")
    kind = _class_of(folder / "config.json")
    try:
        return kind.from_pretrained(
            folder,
            torch_dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            device_map=device_map,
            low_cpu_mem_usage=bool(device_map),
        )
    except (OSError, ValueError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BackboneError(f"{folder} cannot be loaded as {kind.__name__}: {reason}") from None


def _class_of(config: Path) -> Any:
    try:
        name = json.loads(config.read_text(encoding="utf-8"))["_class_name"]
    except (FileNotFoundError, KeyError, ValueError):
        raise BackboneError(f"{config} is missing or names no class; `pin` must be a pipeline's folder") from None
    kind = getattr(diffusers, str(name), None)
    if kind is None:
        raise BackboneError(f"{config} names the class {name}, which diffusers {diffusers.__version__} does not have")
    return kind


def _need_accelerate(what: str) -> None:
    if find_spec("accelerate") is None:
        raise BackboneError(f"{what} needs the package accelerate; run `pip install --editable '.[gpu]'`")
