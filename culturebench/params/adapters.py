"""The adapters of denoisers that are trained, generated with and compared."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

#: In place of a region's code: one adapter for all of them.
ALL_REGIONS = "all"


class Adapter(BaseModel):
    """One adapter: what it is, and of whose culture."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["standard", "csl", "gating", "k_style"] = Field(
        description="standard: LoRA; csl: with K-StyleLoRA's cultural loss; gating: with its gates; k_style: both."
    )
    region: str = Field(description="Code of the region whose train pictures it learns; `all` for those of every one.")
    caption: Literal["noun", "noun_en", "cultural", "cultural_en"] = Field(
        description="What of a train picture is its prompt: the noun or the cultural caption, here or in English."
    )
    concepts: Literal["region", "other_region", "random"] = Field(
        default="region",
        description="Whose concepts loss and gates are given: the region's; the controls: another one's, or random "
        "vectors.",
    )
    projection: Literal["learned", "distilled", "decoded"] = Field(
        default="learned",
        description="How the loss sees latents: by a linear map learned with it, as published; by one trained before "
        "and frozen; or decoded, by the picture tower.",
    )
    preserve: float = Field(
        default=0.0,
        ge=0,
        description="Weight of the frozen model's own prediction on other regions' captions; 0: none.",
    )

    @property
    def gated(self) -> bool:
        """Whether it has gates."""
        return self.kind in ("gating", "k_style")

    @property
    def cultural(self) -> bool:
        """Whether it is trained with the cultural loss."""
        return self.kind in ("csl", "k_style")

    @model_validator(mode="after")
    def _fits(self) -> "Adapter":
        if self.kind == "standard" and self.concepts != "region":
            raise ValueError(f"`concepts` is {self.concepts!r}, and a standard LoRA is given none; remove the key")
        if not self.cultural and self.projection != "learned":
            raise ValueError(f"`projection` is {self.projection!r}, and the kind {self.kind} has no cultural loss")
        if self.region == ALL_REGIONS and self.preserve:
            raise ValueError("`preserve` keeps other regions as they are, and `region: all` leaves none; set it to 0")
        if self.region == ALL_REGIONS and self.concepts == "other_region":
            raise ValueError("`concepts` is 'other_region', and `region: all` leaves no other")
        return self


class Adapters(RootModel[dict[str, Adapter]]):
    """Adapter name -> adapter; the stages' matrix runs over the names. None: no adapter is trained."""

    section: ClassVar[str] = "adapters"
    root: dict[str, Adapter]
