"""Scores of every SAE latent for every region, and which are its culture neurons."""

from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._table import Table, required

STAGE = "select_neurons"
PATH = "models/neurons/{encoder}.parquet"
BOUND = "models/bound/{model}/{encoder}/neurons.parquet"  # bind_encoder's copy


class NeuronRow(TypedDict):
    """One latent of one autoencoder for one region."""

    sae_seed: int
    region: str
    latent: int
    score: float
    score_noun: float
    frequency: float
    frequency_noun: float
    mean: float
    rank: int
    candidate: bool
    selected: bool
    elbow: int | None


TABLE = Table(
    row=NeuronRow,
    stage=STAGE,
    key=("sae_seed", "region", "latent"),
    schema=pa.schema(
        [
            required("sae_seed", pa.int64()),
            required("region", pa.string()),
            required("latent", pa.int32()),
            required("score", pa.float64()),  # WFS_cult, or the selector's own
            required("score_noun", pa.float64()),
            required("frequency", pa.float64()),  # share of cultural prompts on which it fires
            required("frequency_noun", pa.float64()),
            required("mean", pa.float64()),  # mean activation where it fires, cultural prompts
            required("rank", pa.int32()),  # 0 is the best score
            required("candidate", pa.bool_()),  # within the first K
            required("selected", pa.bool_()),  # in M_cult
            pa.field("elbow", pa.int32()),  # the region's K by its curve's elbow alone, before the bounds
        ]
    ),
)


def decided(k: int, elbow: int | None) -> str:
    """What decided on `k` candidates: `elbow`, `min_k`, `max_k`, or `no elbow` where the curve has none."""
    if elbow is None:
        return "no elbow"
    return "elbow" if k == elbow else "min_k" if k > elbow else "max_k"
