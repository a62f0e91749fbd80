"""Whether what is here was trained on another kind of processor than this one."""

from __future__ import annotations

from pathlib import Path

from culturebench.artifacts import enhancer, sae
from culturebench.artifacts._table import ArtifactError
from culturebench.numerics import kind


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
