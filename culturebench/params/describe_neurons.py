"""What a card says of each culture neuron."""

from typing import ClassVar

from pydantic import Field

from culturebench.params._base import Section
from culturebench.params._seeds import Seeds


class DescribeNeurons(Section):
    """One card for each culture neuron of the first autoencoder; time grows with `pictured`, prompts and seeds."""

    section: ClassVar[str] = "describe_neurons"
    judge: str = Field(description="Key of `judges`: the one that answers.")
    pictured: int = Field(
        ge=0, description="Neurons of each region, the highest by score, whose effect alone is drawn and judged."
    )
    amplify: float = Field(gt=0, description="Strength at which one neuron alone is amplified: it is scaled by 1 + it.")
    captions: int = Field(ge=1, description="Detect captions of each language, those that fire a neuron most.")
    near: int = Field(ge=1, description="Latents whose decoder directions are nearest.")
    prompts_per_region: int = Field(ge=1, description="Train prompts per region, the first by picture id.")
    seeds: Seeds = Field(description="Seeds of the initial noise; each gives one picture of every prompt.")
    resamples: int = Field(ge=200, description="Bootstrap resamples of the prompts behind every interval.")
    level: float = Field(gt=0.5, lt=1, description="Coverage of the intervals, a share.")
    seed: int = Field(ge=0, description="Seed of the resampling, and of the order of the judge's options.")
