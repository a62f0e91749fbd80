"""A folder of tiny random weights in the layout of Stable Diffusion 1.5."""

from __future__ import annotations

import json
from pathlib import Path

import layouts


def write(folder: Path) -> Path:
    """Stable Diffusion 1.5: its UNet is that of AltDiffusion m9, its CLIP that of SDXL."""
    taken = {"unet": "altdiffusion_m9", "vae": "altdiffusion_m9", "text_encoder": "sdxl", "tokenizer": "sdxl"}
    for part, name in taken.items():
        layouts.write_part(folder / part, layouts.manifest(name)["folders"][part], seed=5)
    (folder / "scheduler").mkdir()
    scheduler = layouts.manifest("altdiffusion_m9")["files"]["scheduler/scheduler_config.json"]
    (folder / "scheduler/scheduler_config.json").write_text(json.dumps(scheduler))
    parts = {
        "text_encoder": ["transformers", "CLIPTextModel"], "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["diffusers", "DPMSolverMultistepScheduler"], "safety_checker": [None, None],
        "feature_extractor": [None, None],
    }  # fmt: skip
    index = {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.6.0", **parts}
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder
