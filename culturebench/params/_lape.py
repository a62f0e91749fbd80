"""The numbers of the selector lape."""

from pydantic import BaseModel, ConfigDict, Field


class Lape(BaseModel):
    """The shares of language activation probability entropy (Tang et al. 2024)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    top: float = Field(gt=0, le=1, description="Share of the latents, those of lowest entropy, that are picked.")
    filter: float = Field(
        ge=0, lt=1, description="Quantile of all probabilities that a latent exceeds in some region to count at all."
    )
    bar: float = Field(ge=0, lt=1, description="Quantile that a picked latent exceeds in the regions it belongs to.")
