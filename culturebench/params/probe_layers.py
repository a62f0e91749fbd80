"""How the layer is found in which culture is bound to the noun."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from culturebench.params._by_encoder import EncoderSection

Direction = Literal["modifier_to_noun", "later_to_earlier", "summary_to_modifier"]


class Reinitialised(BaseModel):
    """Copies of the encoder with weights drawn anew, for comparison."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    copies: int = Field(ge=0, description="How many; they decide nothing.")
    max_parameters: int = Field(ge=0, description="An encoder with more parameters gets none.")


class ProbeLayers(EncoderSection):
    """What cultural attention is, and when it marks a layer."""

    section: ClassVar[str] = "probe_layers"
    direction: Direction | None = Field(
        description="Query and key tokens of the attention that marks; null: modifier_to_noun for bidirectional "
        "encoders, later_to_earlier for causal ones."
    )
    attention_unit: Literal["relative", "raw"] = Field(
        description="relative: attention times the number of tokens the query sees, 1 is uniform; raw: as it is."
    )
    resamples: int = Field(
        ge=200, description="Sign flips of the modifiers, deals of the placebo words, and resamples of the intervals."
    )
    seed: int = Field(ge=0, description="Seed of all draws.")
    level: float = Field(gt=0.5, lt=1, description="Coverage of the drawn intervals, a share.")
    alpha: float = Field(
        gt=0, lt=0.5, description="Chance that any layer of an encoder without a culture layer is marked, a share."
    )
    min_excess: float = Field(
        ge=0, description="How far a marked layer stands above its neighbours at least, in the attention's unit."
    )
    min_pairs: int = Field(ge=2, description="Pairs without which nothing is marked.")
    max_length_ratio: float = Field(
        ge=1,
        description="A placebo modifier counts when it has at most so many times the tokens of cultural ones, "
        "or they of its.",
    )
    reinitialised: Reinitialised = Field(description="Copies of the encoder with weights drawn anew.")
    when_none: Literal["stop"] | int = Field(
        description="What to do when no layer is marked: stop, or a 0-based layer index to go on with, on record."
    )
    batch_size: int = Field(ge=1, description="Prompts of one pass of the encoder.")
