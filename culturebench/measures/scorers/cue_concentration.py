"""Cue concentration by a CLIP's picture embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from culturebench.measures.clip import opened, shape_of
from culturebench.measures.concentration import of_regions
from culturebench.measures.task import Forecast, Task, Work

if TYPE_CHECKING:
    from culturebench.measures.scoring import Rows
    from culturebench.params.measure import Weights


def run(chosen: Weights, task: Task) -> Rows:
    """Of every prompt of a region."""
    return of_regions("cue_concentration", task, opened(task, chosen.pin).embed_images)


def work(chosen: Weights, forecast: Forecast) -> Work | None:
    """One picture through the CLIP's tower."""
    shape = shape_of(forecast, chosen.pin)
    return shape and Work(shape.picture)
