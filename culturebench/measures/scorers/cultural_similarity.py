"""CSS of K-StyleLoRA: how near a picture comes to any concept of its region's culture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image

from culturebench.measures.clip import opened, shape_of
from culturebench.measures.scoring import of_each
from culturebench.measures.task import Forecast, Task, Work

if TYPE_CHECKING:
    from culturebench.measures.scoring import Row, Rows
    from culturebench.params.measure import CulturalSimilarity


def run(chosen: CulturalSimilarity, task: Task) -> Rows:
    """Equation 18: the largest cosine with a concept, averaged over pictures by the evaluation."""
    clip = opened(task, chosen.pin)

    def near(images: list[Image.Image], rows: Sequence[Row]) -> list[float]:
        concepts = [[text.format(region=task.labels[row["region"]]) for text in chosen.concepts] for row in rows]
        return clip.best(images, concepts)

    return of_each("cultural_similarity", task.pictures, near)


def work(chosen: CulturalSimilarity, forecast: Forecast) -> Work | None:
    """Of the pictures alone: concepts are few."""
    shape = shape_of(forecast, chosen.pin)
    return shape and Work(shape.picture)
