"""What can be done to a prompt's way or to the denoiser, with the strengths that a project has tried of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from culturebench.artifacts import strength
from culturebench.conditions import EDITS, Edit, condition
from culturebench.conditions.record import CAPTIONS
from culturebench.explore.project import Project
from culturebench.interventions.culture_edits import CultureNeurons

ADAPTER = "adapter/"


@dataclass(frozen=True)
class Mode:
    """One way to change pictures; `strengths` is empty where it has none, ascending from 0 else."""

    name: str
    label: str
    strengths: tuple[float, ...]
    chosen: float  # the project's own
    regional: bool  # whether it needs a region
    edit: Edit | None = None  # None: an adapter of the denoiser


def modes_of(project: Project, culture: CultureNeurons) -> dict[str, Mode]:
    """By name, in the order of the records, the modes of which the project has all that they need."""
    return {mode.name: mode for mode in (*_edits(project, culture), *_adapters(project))}


def _edits(project: Project, culture: CultureNeurons) -> Iterator[Mode]:
    tuned = strength.load(project.strength_path)
    directions = {row["caption"] for row in culture.directions}
    for edit in EDITS:
        caption = condition(edit.home).caption
        if edit.part == "enhancer" and not project.enhancer_folder.is_dir():
            continue
        if edit.part == "direction" and caption not in directions:
            continue
        curve = strength.tuned(tuned, edit.name) if edit.tuned and edit.name in tuned else None
        tried = _tried(curve) if curve else ()
        if edit.tuned and len(tried) < 2:
            continue  # nothing says how strong it may be
        label = f"{edit.label} (for {CAPTIONS[caption]})"
        chosen = (curve["strength"] or max(tried)) if curve else 0.0
        yield Mode(edit.name, label, tried, chosen, edit.part != "enhancer", edit)


def _tried(found: strength.Tuned) -> tuple[float, ...]:
    return tuple(sorted({0.0, found["strength"], *(point["strength"] for point in found["curve"])}))


def _adapters(project: Project) -> Iterator[Mode]:
    for name in project.adapters:
        yield Mode(f"{ADAPTER}{name}", f"Adapter {name}", tuple(project.adapter_strengths), 1.0, False)
