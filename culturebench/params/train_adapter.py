"""How adapters are trained."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from culturebench.params._base import Section


class Gate(BaseModel):
    """What K-StyleLoRA leaves open of its gates."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    hidden: int = Field(ge=1, description="Units of the small MLPs of equations 7 to 9.")
    pool: float = Field(ge=0, le=1, description="Lambda of equation 4: mean over places, the rest is their maximum.")
    epsilon: float = Field(gt=0, description="Of equation 3.")
    bias: float = Field(description="Of the sigmoids' last layers; at 0 the LoRA starts at an eighth of its scale.")


class CulturalLoss(BaseModel):
    """The Cultural Semantic Loss."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    weight: float = Field(gt=0, description="Lambda of equation 17.")
    pool: int = Field(ge=1, description="Places a side that latents are pooled to, of equation 11.")
    temperature: float = Field(
        gt=0, description="Of equation 15's softmax; 1 as published, near 0 the nearest concept."
    )
    by_signal: bool = Field(
        default=False,
        description="Whether a picture counts by the square of its signal: at the highest noise it is all noise.",
    )


class TrainAdapter(Section):
    """Size, losses and optimiser of every adapter; `adapters` says which there are."""

    section: ClassVar[str] = "train_adapter"
    space: str = Field(
        description="Key of `pins`: the CLIP, or the atlas's dual encoder, that concepts are encoded by."
    )
    concepts: int | list[str] = Field(
        description="Cultural concepts: English texts in which `{region}` becomes the region's `judge_label`; or so "
        "many of the English cultural captions of the region's train pictures."
    )
    targets: list[Literal["self", "cross"]] = Field(min_length=1, description="Which attentions are adapted.")
    rank: int = Field(ge=1, description="Of the two matrices at every linear layer.")
    alpha: float = Field(gt=0, description="What they add is multiplied by alpha / rank.")
    gate: Gate = Field(description="K-StyleLoRA's gates.")
    csl: CulturalLoss = Field(description="K-StyleLoRA's loss.")
    steps: int = Field(ge=1, description="Optimiser steps.")
    batch_size: int = Field(ge=1, description="Pictures per step; `preserve` adds as many of other regions.")
    learning_rate: float = Field(gt=0, description="AdamW, constant.")
    weight_decay: float = Field(ge=0, description="AdamW's.")
    noise_power: float = Field(gt=0, le=1, description="Noise level = u ** noise_power with u uniform in 0..1.")
    autocast: Literal["auto", "off", "bfloat16"] = Field(
        description="Mixed precision; auto: bfloat16 on a GPU, off on a CPU. The adapter's weights stay float32."
    )
    gradient_checkpointing: bool | None = Field(
        description="Whether activations are computed again instead of kept; null: when memory is short."
    )
    checkpoint_every: int = Field(ge=1, description="Steps between two states from which a killed training goes on.")
    log_every: int = Field(ge=1, description="Steps between two entries of the history.")
    log_pairs: int = Field(ge=2, description="Pictures behind each entry of the history.")
    seed: int = Field(ge=0, description="Of weights, order, noise, random concepts, and of which other region.")

    @field_validator("concepts")
    @classmethod
    def _some(cls, found: int | list[str]) -> int | list[str]:
        if (found if isinstance(found, int) else len(found)) < 2:
            raise ValueError("a gate needs two concepts at least")
        return found
