"""What this machine is, and whether what is here was trained on another kind of processor."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version

from culturebench.artifacts import enhancer, sae
from culturebench.artifacts._table import ArtifactError
from culturebench.numerics import kind

#: Their versions can change what a stage writes.
LIBRARIES = ("numpy", "scipy", "torch", "transformers", "tokenizers", "diffusers", "pillow", "pyarrow")


def difference(root: Path) -> str:
    """One sentence where processors differ in kind, else empty."""
    there = _kinds(root)
    others = there - {kind()}
    if others and (gpu := _gpu()):
        others -= {gpu}
    if not others:
        return ""
    return (
        f"What is here was trained on: {', '.join(sorted(there))}. This machine is another kind ({_gpu() or kind()}): "
        "what runs here may come out with other last digits, and then everything behind it runs too. "
        "docs/unattended.md says between which machines bytes are equal."
    )


def machine(root: Path) -> dict[str, str]:
    """This processor, on what the models under `root` were trained, and the versions of Python and the libraries."""
    found = {"processor": kind(), "its maker": _maker(), "trained on": ", ".join(sorted(_kinds(root)))}
    return found | {"python": python_version()} | {name: _version(name) for name in LIBRARIES}


def _maker() -> str:
    """Who made the processor, as Linux says (`GenuineIntel`): square roots of two makers differ in a last digit."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text(encoding="utf-8").splitlines() if cpu.exists() else []
    found = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in found if name.strip() == "vendor_id"), "")


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"


def _kinds(root: Path) -> set[str]:
    found: set[str] = set()
    for load, folder, pattern in (
        (sae.load_metrics, sae.DIRECTORY, "*"),
        (enhancer.load_history, enhancer.DIRECTORY, "*/*"),
    ):
        for path in (root / folder).glob(pattern):
            try:
                found.add(load(path)["made_on"])
            except (ArtifactError, KeyError):  # absent, or older than this
                continue
    return found


def _gpu() -> str:
    import torch

    from culturebench.text_to_image.runtime import kind_of

    return kind_of(torch.device("cuda")) if torch.cuda.is_available() else ""
