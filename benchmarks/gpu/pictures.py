"""Pictures by the project's own sampler, beside the library's pipeline and with an edit in force."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from benchmarks.gpu.systems import Opened, Scale, library_of
from benchmarks.gpu.table import Row
from benchmarks.gpu.timing import Timed, as_a_stage, in_turns, once, ratio, rounds
from culturebench.errors import CultureBenchError
from culturebench.interventions.edits import amplify
from culturebench.png import from_png, to_png
from culturebench.probing.initialise import unit_norm
from culturebench.probing.sae import TopKSAE
from culturebench.text_to_image.adapters.parts import compile_parts, denoiser_of, use_channels_last
from culturebench.text_to_image.base import EncoderEdit
from culturebench.text_to_image.sampling import Painter, Shot

LATENTS_PER_DIMENSION, K, NEURONS, STRENGTH = 4, 32, 16, 4.0


class PictureError(CultureBenchError):
    """Pictures that show nothing, so that their time says nothing."""


class Library:
    """The library's own call, each picture saved as its users save it."""

    def __init__(self, opened: Opened, prompts: Sequence[str]) -> None:
        self.pipe, self.prompts = library_of(opened), list(prompts)
        model, tokens = opened.model, opened.system.towers[-1].max_tokens
        self.settings: dict[str, Any] = {"num_inference_steps": model.steps, "height": model.size, "width": model.size}
        if model.guidance is not None:
            self.settings["guidance_scale"] = model.guidance
        if "max_sequence_length" in inspect.signature(self.pipe.__call__).parameters:
            self.settings["max_sequence_length"] = tokens

    def __call__(self, count: int, batch: int, **settings: Any) -> list[bytes]:
        """The first `count` pictures, `batch` a call."""
        made: list[bytes] = []
        for start in range(0, count, batch):
            rows = range(start, min(start + batch, count))
            made += [to_png(image) for image in self._call(rows, settings)]
        return made

    def _call(self, rows: range, settings: dict[str, Any]) -> list[Any]:
        noise = [torch.Generator().manual_seed(row) for row in rows]
        some = [self.prompts[row] for row in rows]
        return self.pipe(some, generator=noise, **{**self.settings, **settings}).images


def edit_of(opened: Opened) -> EncoderEdit:
    """An amplification at the middle layer, by an autoencoder with random directions."""
    d = opened.system.encoder.hidden_size
    sae = TopKSAE(d, LATENTS_PER_DIMENSION * d, K).requires_grad_(False)
    sae.decoder.copy_(torch.randn(sae.decoder.shape, generator=torch.Generator().manual_seed(0)))
    unit_norm(sae)
    sae.encoder.copy_(sae.decoder)
    return EncoderEdit(opened.layer, amplify(sae, range(NEURONS), STRENGTH), {"kind": "amplify"})


def best_batch(library: Library, scale: Scale, device: torch.device) -> tuple[int, float, Timed]:
    """The batch size by which the library makes most pictures a second, how many, and what pictures one by one take."""
    speeds: dict[int, float] = {}
    alone = Timed()
    for batch in scale.batches:
        count, timed = max(batch, scale.alone), Timed()
        try:
            library(batch, batch, num_inference_steps=1)  # to warm up
            once(lambda count=count, batch=batch: library(count, batch), device, timed)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            break
        speeds[batch] = count / timed.median
        if batch == 1:
            alone = timed
    best = max(speeds, key=speeds.__getitem__)
    return best, speeds[best], alone


def measured(opened: Opened, prompts: Sequence[str], budget: float) -> list[Row]:
    """Ours beside the library's; `PictureError` for pictures that tell that the times would be wrong.

    `budget` seconds decide how often what takes turns is repeated.
    """
    library, painter, edit, count = Library(opened, prompts), Painter(opened.system), edit_of(opened), len(prompts)
    plain = [Shot(prompt, seed) for seed, prompt in enumerate(prompts)]
    edited = [Shot(shot.prompt, shot.seed, edit) for shot in plain]
    made: dict[str, list[bytes]] = {}

    def ours(name: str, shots: Sequence[Shot]) -> None:
        with as_a_stage():
            made[name] = painter(shots)

    batch, speed, alone = best_batch(library, opened.scale, opened.device)
    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: ours("ours", plain),
        "edited": lambda: ours("edited", edited),
        "free": lambda: painter(plain),
        "library": lambda: made.update(library=library(count, batch)),
    }
    with _in_one_step(opened):
        ours("ours", plain)  # to warm up
    found = in_turns(ways, opened.device, rounds(budget, len(ways) * count / speed))
    _check(made)
    beside = difference(made["ours"], made["library"])
    return [*_rows(found, alone, opened.scale, batch, beside), _png(made["ours"])]


@contextmanager
def _in_one_step(opened: Opened) -> Generator[None]:
    settings = opened.system.settings
    steps, settings["num_inference_steps"] = settings["num_inference_steps"], 1
    try:
        yield
    finally:
        settings["num_inference_steps"] = steps


def sped_up(opened: Opened, prompts: Sequence[str], backend: str) -> list[Row]:
    """Ours with each setting of `models.*.runtime` for speed on top of those before it; they stay on the system."""
    shots = [Shot(prompt, seed) for seed, prompt in enumerate(prompts)]
    pipe, painter = opened.system.pipe, Painter(opened.system)

    def timed() -> tuple[Timed, list[bytes]]:
        found, made, count = Timed(), list[bytes](), 2
        with as_a_stage():
            for _ in range(count):
                once(lambda: made.__setitem__(slice(None), painter(shots)), opened.device, found)
        return found, made

    settings: dict[str, Callable[[], None]] = {
        "attention: sdpa": lambda: denoiser_of(pipe).set_attention_backend("native"),
        "channels_last": lambda: use_channels_last(pipe),
        f"compile: {backend}": lambda: compile_parts(pipe, backend, opened.device),
    }
    before, plain = timed()
    rows: list[Row] = []
    for name, use in settings.items():
        use()
        warm = Timed()
        with _in_one_step(opened), as_a_stage():
            once(lambda: painter(shots), opened.device, warm)
        found, made = timed()
        how = f"and those above it; pictures differ by {difference(made, plain):.2g} of 255 levels; "
        how += f"first batch in one step {warm.median:.3g} s"
        rows.append(Row(f"ours with {name}", f"{ratio(before, found):.2f} times as fast", "", found.gigabytes, how))
    return rows


def _check(made: dict[str, list[bytes]]) -> None:
    if min(float(np.asarray(from_png(png)).std()) for png in made["ours"]) < 1:
        raise PictureError("a picture is all of one colour: the random weights gave numbers that are not finite")
    if difference(made["ours"], made["edited"]) == 0:
        raise PictureError("the edit changed no picture, so that what it costs says nothing")


def _rows(found: dict[str, Timed], alone: Timed, scale: Scale, batch: int, beside: float) -> list[Row]:
    ours, edited, library = found["ours"], found["edited"], found["library"]
    what = f"{scale.pictures} pictures"
    one = alone.median / scale.alone
    return [
        Row(f"{what}, ours", _speed(ours, scale), gigabytes=ours.gigabytes, how=ours.spread),
        Row(
            f"{what}, the library's call", _speed(library, scale), gigabytes=library.gigabytes,
            how=f"{library.spread}; batches of {batch}, its best of {', '.join(map(str, scale.batches))}; "
            f"pictures differ from ours by {beside:.2g} of 255 levels",
        ),
        Row("ours beside the library's call", f"{ratio(library, ours):.2f} times", "≥ 1.0"),
        Row(
            "ours beside a plain loop", f"{one * scale.pictures / ours.median:.2f} times", "≥ 1.3",
            alone.gigabytes, f"one prompt a call: {one:.3g} s a picture, by {scale.alone}",
        ),
        Row(
            f"{what} with an edit in force", f"{ratio(edited, ours):.3f} times", "≤ 1.02",
            edited.gigabytes, f"amplified beside unedited; {edited.spread}",
        ),
        Row("not deterministic beside ours", f"{ratio(found['free'], ours):.3f} times", how="stages are deterministic"),
    ]  # fmt: skip


def _png(made: Sequence[bytes]) -> Row:
    images, timed = [from_png(png) for png in made], Timed()
    once(lambda: [to_png(image) for image in images], torch.device("cpu"), timed)
    return Row(f"{len(made)} pictures as PNG", f"{timed.median:.2f} s", how="in the figures above, ours and theirs")


def _speed(timed: Timed, scale: Scale) -> str:
    return f"{timed.median:.2f} s, {scale.pictures / timed.median:.2f} pictures/s"


def difference(some: Sequence[bytes], others: Sequence[bytes]) -> float:
    """The mean difference of pictures, of 255 levels."""
    pairs = zip(some, others, strict=True)
    return float(np.mean([np.abs(_pixels(one) - _pixels(other)).mean() for one, other in pairs]))


def _pixels(png: bytes) -> Any:
    return np.asarray(from_png(png), dtype=np.float32)
