"""How many different pictures there are, as a number between 1 and all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from culturebench.measures.clip import opened, shape_of
from culturebench.measures.scoring import of_prompts
from culturebench.measures.task import Forecast, Task, Work

if TYPE_CHECKING:
    from culturebench.measures.scoring import Rows
    from culturebench.params.measure import Weights


def run(chosen: Weights, task: Task) -> Rows:
    """Of the pictures of every prompt, by their embeddings in a CLIP."""
    clip = opened(task, chosen.pin)
    return of_prompts("vendi_score", task.pictures, lambda images: vendi_score(clip.embed_images(images)))


def work(chosen: Weights, forecast: Forecast) -> Work | None:
    """One picture through the CLIP's tower."""
    shape = shape_of(forecast, chosen.pin)
    return shape and Work(shape.picture)


def vendi_score(embeddings: Tensor) -> float:
    """The Vendi score of unit vectors (n, d) by their cosines: 1 for equal ones, n for orthogonal ones.

    exp of the entropy of the eigenvalues of the cosines divided by n (Friedman and Dieng 2023, definition 3.1).
    """
    cosines = embeddings.double() @ embeddings.double().T
    eigenvalues = torch.linalg.eigvalsh(cosines / len(embeddings)).clamp_min(0)
    return float(torch.special.entr(eigenvalues).sum().exp())
