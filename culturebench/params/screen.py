"""Which candidates are fit to be shown to people."""

from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from culturebench.params._base import Section
from culturebench.params._custom_model import CustomModel


class Limits(BaseModel):
    """Beyond `drop` a picture leaves; beyond `borderline` it goes on to the experts, marked. null: never."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    drop: float | None = None
    borderline: float | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.drop is None and self.borderline is None:
            raise ValueError("give `drop`, `borderline` or both; a rule that is null is not asked")
        return self


class CustomModelLimits(CustomModel, Limits):
    """The limits of what a function that the user brings makes of a picture."""


#: The rules in the order in which they are asked; a value is bad when it is low, or when it is high.
LOW = ("resolution", "uniform", "blur", "relevance")
HIGH = ("aspect", "safety")


class Screen(Section):
    """Each rule has limits or is null; the first that a picture breaks is its reason."""

    section: ClassVar[str] = "screen"
    max_pixels: int = Field(ge=1, description="pictures with more pixels are not decompressed")
    licences: list[str] = Field(min_length=1, description="allowed SPDX-like ids; add `unknown` to trust the source")
    resolution: Limits | None = Field(description="shorter side, in pixels")
    aspect: Limits | None = Field(description="longer side divided by the shorter")
    uniform: Limits | None = Field(description="largest standard deviation of a channel (0..1)")
    blur: Limits | None = Field(description="variance of the Laplacian of the grey picture (0..1) at 256 pixels")
    relevance: CustomModelLimits | None = Field(
        description="how well a picture fits the query that found it; `use` takes pictures and as many queries"
    )
    safety: CustomModelLimits | None = Field(description="how unsafe a picture is to be shown; `use` takes pictures")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for name in (*LOW, *HIGH):
            limits: Limits | None = getattr(self, name)
            if limits is None or limits.drop is None or limits.borderline is None:
                continue
            if (limits.borderline < limits.drop) if name in LOW else (limits.borderline > limits.drop):
                worse = "below" if name in LOW else "above"
                raise ValueError(f"{name}: {worse} is worse, so `borderline` has to be met before `drop`")
        return self
