"""The latents that every selector picks for every region, beside those that the chosen one puts into `neurons`."""

from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._table import Table, required

STAGE = "select_neurons"
DIRECTORY = "models/selected"
PATH = DIRECTORY + "/{encoder}.parquet"
BOUND = "models/selections/{model}"  # bind_encoder's copies, <tower>.parquet


class SelectedRow(TypedDict):
    """One latent that one selector picks for one region."""

    selector: str
    sae_seed: int
    region: str
    latent: int
    score: float


TABLE = Table(
    row=SelectedRow,
    stage=STAGE,
    key=("selector", "sae_seed", "region", "latent"),
    schema=pa.schema(
        [
            required("selector", pa.string()),
            required("sae_seed", pa.int64()),
            required("region", pa.string()),
            required("latent", pa.int32()),
            required("score", pa.float64()),  # the selector's own
        ]
    ),
)
