"""How a denoiser's attention to the prompt is probed."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator


class AttentionNumbers(BaseModel):
    """Prompts and noise, and the range that placebo modifiers have."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    pairs_per_region: int = Field(ge=1, description="Detect pairs of a region, in turn from each of its modifiers.")
    placebos_per_region: int = Field(ge=1, description="Placebo modifiers of a region, the first of its file.")
    max_length_ratio: float = Field(gt=1, description="Between a placebo modifier's tokens and the cultural ones'.")
    seed: int = Field(ge=0, description="Of the initial noise, and of the resampling.")
    resamples: int = Field(ge=100, description="Sets of placebo words behind the range.")
    level: float = Field(gt=0, lt=1, description="Of the range of those sets.")


class ProbeAttention(RootModel[AttentionNumbers | None]):
    """The numbers; null or empty leaves the probe out."""

    section: ClassVar[str] = "probe_attention"

    @field_validator("root", mode="before")
    @classmethod
    def _empty(cls, given: Any) -> Any:
        return given or None
