"""The neurons of a vision-language model's decoder that each selector takes for each culture."""

from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._table import Table, required

STAGE = "select_vlm_neurons"
DIRECTORY = "models/vlm_neurons"
PATH = DIRECTORY + "/{audit}.parquet"


class VlmNeuronRow(TypedDict):
    """One neuron; `draw` counts the draws of the control, 0 for all others."""

    selector: str
    draw: int
    culture: str
    rank: int
    layer: int
    layers: int
    neuron: int
    score: float


TABLE = Table(
    row=VlmNeuronRow,
    stage=STAGE,
    key=("selector", "draw", "culture", "rank"),
    schema=pa.schema(
        [
            required("selector", pa.string()),
            required("draw", pa.int32()),
            required("culture", pa.string()),
            required("rank", pa.int32()),  # 0 is the best score
            required("layer", pa.int32()),  # of the decoder, from 0
            required("layers", pa.int32()),  # how many the decoder has
            required("neuron", pa.int32()),  # within the layer
            required("score", pa.float64()),  # the selector's own
        ]
    ),
)
