"""How enhancers are trained."""

from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from culturebench.params._base import Section


class Perceptual(BaseModel):
    """Whose features a perceptual loss compares."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    pin: str = Field(description="Key of `pins`: LPIPS, or the atlas's dual encoder.")
    network: Literal["alex", "vgg"] | None = Field(
        default=None, description="LPIPS's backbone; null: the pin is the atlas's dual encoder."
    )
    size: int = Field(default=256, ge=64, description="Pixels: pictures are averaged down by a whole factor to these.")


class TrainEnhancer(Section):
    """Size, objective and optimiser of an enhancer."""

    section: ClassVar[str] = "train_enhancer"
    width: int = Field(ge=1, description="Hidden units of the enhancer.")
    objective: Literal["denoise", "sample_k"] = Field(
        description="What is compared with the reference: denoise: the one-step x0 of the noised reference; "
        "sample_k: a sampled picture, with gradients through its last steps."
    )
    last_steps: int = Field(ge=1, description="Sampling steps that sample_k sends gradients through.")
    loss_space: Literal["pixel", "latent", "perceptual"] = Field(
        description="Where the error is taken: decoded pixels, latents (cheaper), or features of decoded pixels."
    )
    perceptual: Perceptual | None = Field(
        default=None, description="Whose features; read with `loss_space: perceptual` alone."
    )
    steps: int = Field(ge=1, description="Optimiser steps.")
    batch_size: int = Field(ge=1, description="Prompts per step.")
    learning_rate: float = Field(gt=0, description="AdamW rate of the enhancer's matrices.")
    gain_rate: float = Field(gt=0, description="AdamW rate of the gain, which starts at 0 and hardly moves at 5e-5.")
    noise_power: float = Field(
        gt=0, le=1, description="Noise level = u ** noise_power with u uniform in 0..1: below 1 favours high noise."
    )
    autocast: Literal["auto", "off", "bfloat16"] = Field(
        description="Mixed precision; auto: bfloat16 on a GPU, off on a CPU."
    )
    gradient_checkpointing: bool | None = Field(
        description="Whether activations are computed again instead of kept; null: when memory is short."
    )
    checkpoint_every: int = Field(ge=1, description="Steps between two states from which a killed training goes on.")
    log_every: int = Field(ge=1, description="Steps between two entries of the history.")
    log_pairs: int = Field(ge=2, description="Pairs of prompt and reference behind each entry of the history.")
    seed: int = Field(ge=0, description="Seed of the weights, the order, the noise, and of the random site.")

    @property
    def features(self) -> Perceptual | None:
        """Whose features the loss compares, None where it compares none."""
        return self.perceptual if self.loss_space == "perceptual" else None

    @model_validator(mode="after")
    def _whose_features(self) -> Self:
        if self.loss_space == "perceptual" and not self.perceptual:
            raise ValueError(
                "`loss_space: perceptual` needs `perceptual`, such as {pin: lpips_alex, network: alex} or, on the "
                "atlas, {pin: atlas_alignment}"
            )
        return self
