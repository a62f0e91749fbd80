"""How the sparse autoencoders of attention outputs are trained."""

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from culturebench.params._by_encoder import EncoderSection
from culturebench.params._seeds import Seeds

MEGABYTE = 1_000_000


class TrainSae(EncoderSection):
    """A Top-K autoencoder per seed, on the attention outputs of the marked layer."""

    section: ClassVar[str] = "train_sae"
    seeds: Seeds = Field(description="One autoencoder each: start and order of the data.")
    expansion: int = Field(ge=1, description="Latents for each dimension of a feature vector.")
    k: int = Field(ge=1, description="Latents that may describe one token.")
    steps: int = Field(ge=1, description="Optimizer steps.")
    batch_size: int = Field(ge=1, description="Tokens of one step.")
    learning_rate: float = Field(gt=0, description="Of AdamW, constant.")
    aux_coefficient: float = Field(ge=0, description="Weight of AuxK, the loss that wakes dead latents; 0 is off.")
    aux_k: int | None = Field(
        ge=1, description="Dead latents that AuxK uses per token; null: half the dimensions of a feature vector."
    )
    dead_after: int = Field(ge=1, description="Steps without firing after which a latent counts as dead.")
    centre: Literal["mean", "geometric_median"] = Field(
        description="Where the decoder's bias starts; the median where a few tokens are far from all others."
    )
    log_every: int = Field(ge=1, description="Steps between two points of the training's history.")
    checkpoint_every: int = Field(ge=1, description="Steps between two states from which a stopped run goes on.")
    activation_megabytes: int = Field(
        ge=1, description="Activations held in memory; more go to a temporary file ($TMPDIR) and are read from there."
    )
    max_prompts: int = Field(ge=1, description="Different train captions that are used; more are left out evenly.")
    prompts_at_once: int = Field(ge=1, description="Prompts of one pass of the encoder.")

    @property
    def activation_bytes(self) -> int:
        """`activation_megabytes` in bytes."""
        return self.activation_megabytes * MEGABYTE

    @field_validator("seeds")
    @classmethod
    def _several(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(seeds) < 2:
            raise ValueError("two seeds or more are needed: neurons of one autoencoder alone may be its chance")
        return seeds
