"""How far a region's cultural prompts lie from its noun prompts, on average, and those of each of its subdivisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from culturebench.probing.attention import Prompt
from culturebench.probing.features import FeatureBatch
from culturebench.probing.pooling import looked_at
from culturebench.probing.selection import Floats

if TYPE_CHECKING:
    from culturebench.artifacts.directions import DirectionRow
    from culturebench.artifacts.splits import SplitRow

#: The subdivision of a mean over the whole region.
WHOLE = ""


def groups(subdivisions: Sequence[str], min_prompts: int) -> dict[str, list[int]]:
    """The rows of each named subdivision with at least `min_prompts`; of the whole region where there is none."""
    found: dict[str, list[int]] = {}
    for row, name in enumerate(subdivisions):
        found.setdefault(name, []).append(row)
    large = {name: rows for name, rows in sorted(found.items()) if name and len(rows) >= min_prompts}
    return large or {WHOLE: list(range(len(subdivisions)))}


@torch.no_grad()
def pooled_features(
    batches: Iterable[FeatureBatch], prompts: Sequence[Prompt], *, positions: str, causal: bool
) -> Floats:
    """The mean feature of each prompt over the tokens of `positions`: (prompts, d), NaN where there are none."""
    found: dict[int, Floats] = {}
    width = 0
    for batch in batches:
        width = batch.features.shape[-1]
        for row, chosen in looked_at(batch, prompts, positions=positions, causal=causal):
            found[batch.start + row] = batch.features[row, chosen].mean(dim=0).double().cpu().numpy()
    missing = np.full(width, np.nan)
    return np.array([found.get(row, missing) for row in range(len(prompts))])


def mean_differences(
    layer: int, region: str, parts: Mapping[str, Sequence[int]], cultural: Floats, plain: Mapping[str, Floats]
) -> list[DirectionRow]:
    """Rows of the artifact `directions`: the mean of `cultural` minus `plain` (pairs, d) over each part's pairs.

    `plain` is by caption. A pair with NaN on either side is left out, and so is a part without any pair.
    """
    rows: list[DirectionRow] = []
    for name, chosen in parts.items():
        for caption, features in plain.items():
            differences = (cultural - features)[list(chosen)]
            whole = differences[np.isfinite(differences).all(axis=1)]
            if len(whole):
                rows.append(
                    {
                        "layer": layer,
                        "region": region,
                        "subdivision": name,
                        "caption": caption,
                        "n_prompts": len(whole),
                        "vector": whole.mean(axis=0).tolist(),
                    }
                )
    return rows


def english_nouns(rows: Sequence[SplitRow]) -> list[Prompt | None]:
    """The English noun prompt of each row of a split, None where it has none; without marks all of it is noun."""
    found: list[Prompt | None] = []
    for row in rows:
        caption = row["noun_en"]
        if caption is None:
            found.append(None)
            continue
        marked = (caption["noun_start"], caption["noun_end"])
        span = marked if 0 <= marked[0] < marked[1] else (0, len(caption["text"]))
        found.append(Prompt(caption["text"], span, None, modifier_follows=False))
    return found
