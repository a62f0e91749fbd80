"""What is known of each culture neuron, and pictures of what it does alone."""

from __future__ import annotations

from typing import Any, TypedDict

import pyarrow as pa

from culturebench.artifacts._json import JsonFile
from culturebench.artifacts._table import Table, required

STAGE = "describe_neurons"
PATH = "models/cards/{model}.json"
PICTURES = "data/cards/{model}.parquet"
PAGE = "reports/neurons/{model}.html"


class Mark(TypedDict):
    """A token, as characters of its caption, half-open, and the latent there, as a share of its highest."""

    start: int
    end: int
    share: float


class Caption(TypedDict):
    """A detect caption, and how strongly it fires the neuron, as the selection looks at it."""

    region: str
    language: str
    text: str
    activation: float
    marks: list[Mark]


class Fired(TypedDict):
    """One region's cultural and noun prompts: shares on which the neuron fires, and its mean where it does."""

    region: str
    frequency: float
    frequency_noun: float
    mean: float
    selected: bool


class Near(TypedDict):
    """Another latent, the cosine of both decoder directions, and the regions whose neuron it is."""

    latent: int
    cosine: float
    regions: list[str]


class Twin(TypedDict):
    """The nearest latent of another autoencoder: `same` from the cosine on that counts as one neuron."""

    sae_seed: int
    latent: int
    cosine: float
    same: bool
    selected: bool


class Effect(TypedDict):
    """CultureVQA for the neuron's region with it edited alone, minus without, on the same prompts and seeds."""

    value: float
    low: float | None
    high: float | None
    n_prompts: int
    n_images: int


class Card(TypedDict):
    """One neuron of one region; effects are null where none was drawn."""

    region: str
    latent: int
    rank: int
    score: float
    captions: list[Caption]
    fired: list[Fired]
    near: list[Near]
    twins: list[Twin]
    amplified: Effect | None
    masked: Effect | None


class Cards(TypedDict):
    """All cards of one model's edited tower, by region and rank; `positions` is where the selection looks.

    A model that cannot be edited has no encoder (""), layer, autoencoder or card.
    """

    encoder: str
    layer: int | None
    sae_seed: int | None
    positions: str
    judge: str
    amplify: float
    prompts: int
    seeds: list[int]
    cards: list[Card]


CARD = set(Card.__annotations__)


def _whole(content: Any) -> bool:
    return set(content) == set(Cards.__annotations__) and all(set(card) == CARD for card in content["cards"])


FILE: JsonFile[Cards] = JsonFile(STAGE, "neuron cards", _whole)
save, load = FILE.save, FILE.load


class CardPictureRow(TypedDict):
    """A picture of one neuron's card: `noun` and `cultural` unedited, `amplified` from the noun, `masked`."""

    region: str
    latent: int
    kind: str
    prompt: str
    image: bytes


#: The order in which a card shows them.
KINDS = ("noun", "amplified", "cultural", "masked")

TABLE = Table(
    row=CardPictureRow,
    stage=STAGE,
    key=("region", "latent", "kind"),
    schema=pa.schema(
        [
            required("region", pa.string()),
            required("latent", pa.int32()),
            required("kind", pa.string()),
            required("prompt", pa.string()),
            required("image", pa.binary()),  # PNG, of the first prompt and seed
        ]
    ),
)
