"""How many stages a machine has room for, and which of them wait for a GPU."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import psutil

from culturebench.errors import CultureBenchError
from culturebench.params import load_document, load_section
from culturebench.params.pins import Pins

#: Groups that compute on a GPU where there is one: one stage after another on each.
DEVICE = frozenset(
    {
        "probe_layers",
        "check_layers",
        "probe_attention",
        "train_sae",
        "select_neurons",
        "compare_selectors",
        "describe_neurons",
        "tune_strength",
        "train_enhancer",
        "generate",
        "generate_edited",
        "generate_enhanced",
        "generate_one_prompt",
        "probe_vlm",
        "relevance",
        "silence",
        "audit_judge",
        "judge",
        "judge_reliability",
        "measure",
        "compare_english",
        "train_adapter",
        "make_questions",
        "generate_adapted",
        "select_vlm_neurons",
        "compare_adapters",
    }
)
#: Memory that a stage may need beside its weights, in bytes: torch, diffusers and one region's pictures.
PER_STAGE = 2 << 30
#: How often a stage's weights are in memory at most: as they lie in the file, and as they are computed with.
COPIES = 2


def default(root: Path) -> int:
    """The cores that this process may use, as long as memory is there for as many stages; at least one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, psutil.virtual_memory().available // (PER_STAGE + COPIES * _weights(root))))


def _weights(root: Path) -> int:
    """Bytes of the largest pin's folder."""
    try:
        pins = load_section(Pins, load_document(root / "params.yaml")).root.values()
    except (CultureBenchError, OSError):  # a project without pins, or one that its first stage will complain of
        return 0
    folders = [root / pin.folder for pin in pins]
    return max(
        (sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) for folder in folders), default=0
    )


def gpus() -> list[str]:
    """The GPUs that stages may use, as `CUDA_VISIBLE_DEVICES` names them; none on a machine without."""
    if (named := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for name in named.split(",") if name]
    return [str(number) for number, _ in enumerate(Path("/dev").glob("nvidia[0-9]*"))]


def settings(root: Path, jobs: int | None, devices: list[str] | None) -> dict[str, Any]:
    """What `flows._repro` is told."""
    return {
        "jobs": jobs or default(root),
        "devices": gpus() if devices is None else devices,
        "on_device": sorted(DEVICE),
    }
