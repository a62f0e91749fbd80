"""How enhancers are trained."""

from typing import ClassVar, Literal

from pydantic import Field

from culturebench.params._base import Section


class TrainEnhancer(Section):
    """Size, objective and optimiser of an enhancer."""

    section: ClassVar[str] = "train_enhancer"
    width: int = Field(ge=1, description="Hidden units of the enhancer.")
    objective: Literal["denoise"] = Field(description="What is compared: the one-step x0 of the noised reference.")
    loss_space: Literal["pixel", "latent"] = Field(
        description="Where the squared error is taken: decoded pixels, or latents (cheaper)."
    )
    steps: int = Field(ge=1, description="Optimiser steps.")
    batch_size: int = Field(ge=1, description="Prompts a step.")
    learning_rate: float = Field(gt=0, description="AdamW rate of the enhancer's matrices.")
    gain_rate: float = Field(gt=0, description="AdamW rate of the gain, which starts at 0 and hardly moves at 5e-5.")
    noise_power: float = Field(
        gt=0, le=1, description="Noise level = u ** noise_power with u uniform in 0..1: below 1 favours high noise."
    )
    log_every: int = Field(ge=1, description="Steps between two entries of the history.")
    log_pairs: int = Field(ge=2, description="Pairs of prompt and reference behind each entry of the history.")
    seed: int = Field(ge=0, description="Seed of the weights, the order, the noise, and of the random site.")
