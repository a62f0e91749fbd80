"""How active latents are to be when a region, or one of its subdivisions, is switched on."""

from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._table import Table, required

STAGE = "select_neurons"
PATH = "models/levels/{encoder}.parquet"
DIRECTORY = "models/levels"
BOUND = "models/bound/{model}/{encoder}/levels.parquet"  # bind_encoder's copy


class LevelRow(TypedDict):
    """One latent of one autoencoder for one subdivision."""

    sae_seed: int
    region: str
    subdivision: str
    latent: int
    level: float


TABLE = Table(
    row=LevelRow,
    stage=STAGE,
    key=("sae_seed", "region", "subdivision", "latent"),
    schema=pa.schema(
        [
            required("sae_seed", pa.int64()),
            required("region", pa.string()),
            required("subdivision", pa.string()),  # "" is the whole region
            required("latent", pa.int32()),
            required("level", pa.float64()),  # mean on the subdivision's cultural prompts, silent ones included
        ]
    ),
)
