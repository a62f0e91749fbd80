"""Which text-to-image pipelines of the installed diffusers work whole: `python -m benchmarks.pipelines`.

Each is made of tiny random weights, loaded by the adapter `diffusers` and compared with the library's own call; then an
edit and one step of an enhancer are tried. Minutes on a CPU; the table is docs/pipelines.md.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import tempfile
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
import yaml

from culturebench.errors import CultureBenchError
from culturebench.params.encoders import Encoder
from culturebench.params.models import Model
from culturebench.text_to_image.adapters.diffusers import SLOTS, refused
from culturebench.text_to_image.adapters.parts import BackboneError
from culturebench.text_to_image.base import Conditioning
from culturebench.text_to_image.denoising import denoising_of
from culturebench.text_to_image.encoders.families import FAMILIES
from culturebench.text_to_image.loading import load_encoder, load_model

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests/support"))
PAGE = ROOT / "docs/pipelines.md"
PROMPTS, SEEDS, STEPS = ["A plain bowl", "a bowl with seigaiha waves"], [3, 4], 2
#: In the name of a class that makes no picture of a prompt alone.
OTHER = re.compile(
    r"Img2Img|Inpaint|Control|Video|Edit|Upscal|Adapter|Audio|Depth|Pix2Pix|Super|Kontext|Fill|Redux|Onnx|Modular"
    r"|Animate|Refiner|GLIGEN|Layered|Variation|Prior|Decoder|I2V|T2V|I2I|2Video|TI2VA|SR|Omni|KV|Combined|Wan|LTX"
    r"|Cycle|LEdit|Semantic|AttendAnd|DiffEdit|SAG|Panorama|Paradigms|UnCLIP|Music|Allegro|AnyFlow|Latte|LLaDA|ShapE"
)
#: Classes of text encoders, also those that a pipeline's constructor names in the place of one.
KNOWN = {name for family in FAMILIES.values() for name in family.architectures} | {
    "Gemma2PreTrainedModel",
    "GemmaPreTrainedModel",
}


@dataclass
class Trial:
    """What of one pipeline was seen to work, and what its encoders' entries need."""

    difference: float = float("nan")  # of 255 levels, from the library's own pictures
    edited: bool = False
    enhanced: str = ""
    needs: dict[str, Any] = field(default_factory=dict[str, Any])


def text_to_image() -> dict[str, Any]:
    """Class name -> class, of every pipeline that makes pictures of a prompt alone and has a text encoder."""
    found: dict[str, Any] = {}
    for name in sorted(dir(diffusers)):
        if not name.endswith("Pipeline") or OTHER.search(name):
            continue
        kind: Any = getattr(diffusers, name)
        if "deprecated" in kind.__module__ or kind is diffusers.DiffusionPipeline:
            continue
        takes = inspect.signature(kind.__call__).parameters
        if "prompt" in takes and "num_frames" not in takes and encoders_of(kind):
            found[name] = kind
    return found


def encoders_of(kind: Any) -> dict[str, str]:
    """Slot -> the class of its text encoder, as the pipeline's constructor names it."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind.__init__)))
    function = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    named = {slot.arg: ast.unparse(slot.annotation) for slot in function.args.args if slot.annotation}
    return {slot: named[slot].removesuffix(" | None") for slot in SLOTS if slot in named}


def why_not(kind: Any) -> str:
    """Why a pipeline is refused, in a sentence; empty where it is not."""
    if reason := refused(kind):
        return reason
    known = KNOWN | {"PreTrainedModel"}  # says nothing; the recipe tells
    unknown = [name for name in encoders_of(kind).values() if name not in known]
    return f"a text encoder of the class {', '.join(unknown)} is of no known family" if unknown else ""


def tried(name: str, folder: Path) -> Trial:
    """The pipeline of a recipe through the adapter, its entries set as the refusals say."""
    import tiny_diffusers

    recipe, path = tiny_diffusers.RECIPES[name], tiny_diffusers.write(name, folder)
    trial = Trial()
    system = _loaded(path, len(recipe.encoders), recipe.size, trial.needs)
    pairs = list(zip(PROMPTS, SEEDS, strict=True))
    pictures = [image for prompt, seed in pairs for image in _ours(system, prompt, seed)]
    theirs = [image for prompt, seed in pairs for image in _theirs(path, prompt, seed, recipe)]
    trial.difference = float(np.abs(_levels(pictures) - _levels(theirs)).max())
    plain = system.encode(PROMPTS[:1]).tensors
    ramp = torch.linspace(-3, 3, system.encoder.hidden_size)  # a constant would be taken out by the next LayerNorm
    with system.encoder.edited(0, lambda features, real: torch.where(real[..., None], features + ramp, features)):
        changed = system.encode(PROMPTS[:1]).tensors
    before, after = (_levels(system.generate(Conditioning(tensors), SEEDS[:1])) for tensors in (plain, changed))
    trial.edited = bool(np.abs(before - after).max() > 2)  # and so a picture depends on what is read of its prompt
    trial.enhanced = _enhanced(system)
    return trial


def _loaded(path: Path, towers: int, size: int, needs: dict[str, Any]) -> Any:
    names = [f"tower{number}" for number in range(towers)]
    model = Model(adapter="diffusers", towers=names, edited=names[0], pin="x", size=size)
    entries: list[dict[str, Any]] = [{} for _ in names]
    for _ in range(8):
        slots = ["" if number == 0 else f"_{number + 1}" for number in range(towers)]
        encoders = [
            load_encoder(
                Encoder(adapter="transformers", pin="x", subfolder=f"text_encoder{slot}", tokenizer=f"tokenizer{slot}",
                        **entry), path,
            )
            for slot, entry in zip(slots, entries, strict=True)
        ]  # fmt: skip
        try:
            return load_model(model, encoders, path, None, STEPS)
        except CultureBenchError as error:
            told = _told(str(error))
            if not told:
                raise
            entry = next((one for one in entries if not told.items() <= one.items()), None)
            if entry is None:
                raise
            entry.update(told)
            needs.update(told)
    raise CultureBenchError("the entries never fitted")


def _told(error: str) -> dict[str, Any]:
    """What an error says that an entry needs."""
    told = re.search(r"set of its entry in `encoders` (.*)$", error, re.DOTALL)
    if told:
        return yaml.safe_load("{" + told[1] + "}")
    reads = re.search(r"set encoders\.\*\.reads: (\w+)", error)
    return {"reads": int(reads[1]) if reads[1].isdigit() else reads[1]} if reads else {}


def _ours(system: Any, prompt: str, seed: int) -> list[Any]:
    return system.generate(system.encode([prompt]), [seed])


def _theirs(path: Path, prompt: str, seed: int, recipe: Any) -> list[Any]:
    pipe: Any = diffusers.DiffusionPipeline.from_pretrained(path, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    takes = inspect.signature(pipe.__call__).parameters
    whole: dict[str, Any] = {"use_resolution_binning": False} if "use_resolution_binning" in takes else {}
    if "negative_prompt" in takes:
        made = inspect.signature(pipe.encode_prompt).parameters
        usual = "do_classifier_free_guidance" in made and "negative_prompt" in made  # as the adapter makes it
        whole["negative_prompt"] = made["negative_prompt"].default if usual else ""
    return pipe(
        prompt=prompt, num_inference_steps=STEPS, height=recipe.size, width=recipe.size,
        generator=[torch.Generator().manual_seed(seed)], **whole,
    ).images  # fmt: skip


def _levels(images: Any) -> Any:
    return np.stack([np.asarray(image.convert("RGB"), dtype=np.float64) for image in images])


def _enhanced(system: Any) -> str:
    """Empty where one step of an enhancer gives a finite loss with a gradient; else the reason."""
    try:
        task: Any = denoising_of(system)
        clean = task.latents(torch.zeros(1, 3, task.size, task.size))
        moved: list[torch.Tensor] = []

        def push(features: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
            moved.append(torch.zeros_like(features, requires_grad=True))
            return features + moved[-1]

        with task.encoder.edited(0, push):
            condition = task.conditions(PROMPTS[:1])
        noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
        seen = task.decode(task.estimate(condition, clean, noise, torch.tensor([task.levels - 1])).clean)
        seen.float().pow(2).mean().backward()
        grad = moved[0].grad
        flows = grad is not None and bool(torch.isfinite(grad).all()) and bool((grad != 0).any())
        return "" if flows else "no gradient"
    except Exception as error:  # whatever it is, the table says so
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:120]


def rows() -> list[tuple[str, str, str]]:
    """Pipeline, whether it works, and what its encoders' entries need or why it does not."""
    import tiny_diffusers

    found: list[tuple[str, str, str]] = []
    for name, kind in text_to_image().items():
        reason = why_not(kind)
        if reason:
            found.append((name, "refused", reason))
        elif name not in tiny_diffusers.RECIPES and name not in COMPARED:
            found.append((name, "not tried", ""))
        elif name in COMPARED:
            found.append((name, "whole", COMPARED[name]))
        else:
            found.append((name, *_row(name)))
        print(*found[-1], sep=" | ", flush=True)
    return found


#: Compared with the library in tests, on the published layouts.
COMPARED: Mapping[str, str] = {
    "StableDiffusionPipeline": "",
    "StableDiffusionXLPipeline": "the adapter sdxl",
    "StableDiffusion3Pipeline": "the adapter sd35",
    "FluxPipeline": "the adapter flux",
}


def _row(name: str) -> tuple[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        try:
            trial = tried(name, Path(folder))
        except BackboneError as error:
            return "refused", re.sub(r"^of .*; (?=its padding)", "", str(error))[:200]
        except Exception as error:  # whatever it is, the table says so
            return "fails", f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:160]
    needs = ", ".join("template" if key == "template" else f"{key}: {value}" for key, value in trial.needs.items())
    needs = f"entry: {needs}" if needs else ""
    if trial.difference > 1 or not trial.edited:
        return "fails", f"pictures differ by {trial.difference:.0f} levels, edited: {trial.edited}"
    if trial.enhanced:
        return "without an enhancer", "; ".join(part for part in (needs, trial.enhanced) if part)
    return "whole", needs


def main() -> None:
    """Write the table."""
    diffusers.utils.logging.disable_progress_bar()
    lines = [
        "# Pipelines of diffusers",
        "",
        f"Written by `python -m benchmarks.pipelines`, with diffusers {diffusers.__version__}, on tiny random weights.",
        "*Whole*: pictures are the library's own to one level of 255, edits reach them, an enhancer gets a gradient.",
        "What an entry of `encoders` needs is told at the first load, with the line to write. A refusal comes before",
        "anything is computed.",
        "",
        "| pipeline | | |",
        "|---|---|---|",
        *(f"| {name} | {state} | {more.replace('|', '/')} |" for name, state, more in rows()),
    ]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
