"""How the layer is found in which culture is bound to the noun."""

from typing import ClassVar, Literal

from pydantic import Field

from culturebench.params._by_encoder import EncoderSection

Direction = Literal["modifier_to_noun", "later_to_earlier", "summary_to_modifier"]


class ProbeLayers(EncoderSection):
    """What cultural attention is, and when it marks a layer."""

    section: ClassVar[str] = "probe_layers"
    direction: Direction | None = Field(
        description="Query and key tokens of the attention that marks; null: modifier_to_noun for bidirectional "
        "encoders, later_to_earlier for causal ones."
    )
    noun_reference: Literal["zero", "context", "neutral_modifier"] = Field(
        description="What is taken from the cultural prompt's attention; all three are computed and drawn."
    )
    attention_unit: Literal["relative", "raw"] = Field(
        description="relative: attention times the number of tokens the query sees, 1 is uniform; raw: as it is."
    )
    resamples: int = Field(ge=200, description="Bootstrap resamples of the pairs.")
    seed: int = Field(ge=0, description="Seed of the resampling.")
    level: float = Field(gt=0.5, lt=1, description="Coverage of the drawn intervals, a share.")
    alpha: float = Field(
        gt=0, lt=0.5, description="Chance that any layer of an encoder without a culture layer is marked, a share."
    )
    min_excess: float = Field(
        ge=0, description="How far a marked layer stands above its neighbours at least, in the attention's unit."
    )
    min_pairs: int = Field(ge=2, description="Pairs without which nothing is marked.")
    when_none: Literal["stop"] | int = Field(
        description="What to do when no layer is marked: stop, or a 0-based layer index to go on with, on record."
    )
    batch_size: int = Field(ge=1, description="Prompts of one pass of the encoder.")
