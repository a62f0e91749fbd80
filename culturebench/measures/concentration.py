"""Cue concentration: do a condition's pictures of one region resemble each other more than its real ones do?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from culturebench.measures.embedding import Embed, embedded
from culturebench.measures.scoring import WHOLE_PROMPT, by_prompt, measured

if TYPE_CHECKING:
    from culturebench.measures.scoring import Rows
    from culturebench.measures.task import Task

#: Prompts of a region: fewer have no jackknife of a mean over pairs.
_PROMPTS = 3
TOO_FEW = f"not run: needs {_PROMPTS} prompts of its region, and one of another region"


def of_regions(measure: str, task: Task, embed: Embed) -> Rows:
    """One row per prompt, whose mean over a region's prompts is the region's cue concentration."""
    groups = by_prompt(task.pictures)
    if not groups:
        return []
    firsts = [rows[0] for rows in groups]
    vectors = embedded([row["image"] for rows in groups for row in rows], embed)
    made = torch.stack([part.mean(0) for part in vectors.split([len(rows) for rows in groups])])
    real = embedded([task.references[row["prompt_id"]]["image"] for row in firsts], embed)
    found = concentration(made, real, [row["region"] for row in firsts])
    return [
        measured(measure, row, WHOLE_PROMPT, value, "" if value is not None else TOO_FEW)
        for row, value in zip(firsts, found, strict=True)
    ]


def concentration(made: Tensor, real: Tensor, regions: Sequence[str]) -> list[float | None]:
    """Of each prompt its share in its region's cue concentration; None where there are too few prompts.

    `made` and `real` (prompts, d) are of each prompt the mean unit vector of its generated pictures, and the unit
    vector of its real one. With d(p, q) the cosine of two prompts' generated pictures minus that of their real ones,
    which show the same objects, a region's cue concentration is the mean of d over pairs of its prompts minus the mean
    over pairs with another region's. The second takes off what all pictures of a model have in common.

    The prompts' values are the jackknife's pseudo-values of the first mean (Arvesen 1969), less the prompt's own part
    of the second: their mean is the region's value, and their spread what a mean over pairs varies by. A prompt's mean
    over its pairs has half that spread.
    """
    excess = made.double() @ made.double().T - real.double() @ real.double().T
    same = torch.tensor([[one == other for other in regions] for one in regions])
    found: list[float | None] = []
    for i, row in enumerate(excess):
        inside = same[i].clone()
        inside[i] = False
        n = int(same[i].sum())
        if n < _PROMPTS or n == len(regions):
            found.append(None)
            continue
        pairs = excess[same[i]][:, same[i]]
        mean = float(pairs.sum() - pairs.diagonal().sum()) / (n * (n - 1))
        pseudo = (2 * (n - 1) * float(row[inside].mean()) - n * mean) / (n - 2)
        found.append(pseudo - float(row[~same[i]].mean()))
    return found
