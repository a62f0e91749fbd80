"""The mean difference added at a few fixed layers, in all as large as at the marked one alone."""

from __future__ import annotations

import numpy as np

from culturebench.conditions import Condition
from culturebench.interventions.controls import OF_DIRECTIONS, Beside, random_of
from culturebench.interventions.culture_edits import CultureNeurons
from culturebench.interventions.edits import steer
from culturebench.interventions.subdivisions import direction_of
from culturebench.text_to_image.base import EncoderEdit, Intervention, Together


def edit_of(
    culture: CultureNeurons, condition: Condition, strength: float, region: str, draw: int, prompt: str = ""
) -> Intervention | None:
    """What `condition` does for one region, draw and prompt (an id), at one layer or at a few."""
    if not condition.few_layers:
        return culture.intervention(condition, strength, region, draw, prompt)
    return None if strength == 0 else _at_few_layers(culture, condition, strength, region, draw, prompt)


def _at_few_layers(
    culture: CultureNeurons, condition: Condition, strength: float, region: str, draw: int, prompt: str
) -> Together:
    """Each layer's own mean difference, by one factor; the norms of what is added to a token sum to the one layer's.

    Their sum bounds how far the stream of a token moves, so that several layers never reach further than one could.
    """
    layers = sorted({row["layer"] for row in culture.few_layers})
    vectors = {
        layer: direction_of(
            [row for row in culture.few_layers if row["layer"] == layer], region, condition.caption, draw
        )["vector"]
        for layer in layers
    }
    norms = {layer: float(np.linalg.norm(vector)) for layer, vector in vectors.items()}
    factor = strength * (norms[culture.layer] / sum(norms.values()))
    control = condition.control.name if condition.control else ""
    random = random_of(control, region, prompt, draw)
    edits: list[EncoderEdit] = []
    for layer, vector in vectors.items():
        done, details = steer(vector, factor), {"kind": condition.name, "strength": factor, "vector": vector}
        if control:
            done, drawn = OF_DIRECTIONS[control](Beside(done, len(vector), random))
            details |= {"control": control, **drawn}
        edits.append(EncoderEdit(layer, done, details))
    return Together(edits)
