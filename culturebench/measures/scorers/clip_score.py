"""CLIPScore (Hessel et al. 2021), as the raw cosine of a picture with its caption."""

from __future__ import annotations

from typing import TYPE_CHECKING

from culturebench.measures.clip import opened, shape_of
from culturebench.measures.scoring import of_each
from culturebench.measures.task import Forecast, Task, Work

if TYPE_CHECKING:
    from culturebench.measures.scoring import Rows
    from culturebench.params.measure import ClipScore


def run(chosen: ClipScore, task: Task) -> Rows:
    """Of every picture, by the CLIP's own text tower or the one that params name in its place."""
    clip = opened(task, chosen.pin, chosen.text)
    return of_each("clip_score", task.pictures, lambda images, rows: clip.similarity(images, task.texts(rows)))


def work(chosen: ClipScore, forecast: Forecast) -> Work | None:
    """A multilingual text tower counts as the CLIP's own, which is as large."""
    shape = shape_of(forecast, chosen.pin)
    return shape and Work(shape.picture_with_text)
