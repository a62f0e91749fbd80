"""The CLIP that says which screened pictures show nothing of what was looked for."""

from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator


class RelevanceClip(BaseModel):
    """A CLIP, or the atlas's dual encoder for the atlas's own pictures, and its limits: cosines, -1..1."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    pin: str = Field(description="Key of `pins`: whose picture tower looks.")
    text: str = Field(description="Key of `pins`: whose text tower reads; the same one for its own.")
    drop: float | None = Field(default=None, ge=-1, le=1, description="Below it a picture leaves; null: none does.")
    borderline: float | None = Field(
        default=None, ge=-1, le=1, description="Below it a picture goes on to the experts, marked; null: none is."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.drop is not None and self.borderline is not None and self.borderline < self.drop:
            raise ValueError("below is worse, so `borderline` has to be met before `drop`")
        return self


class Relevance(RootModel[list[RelevanceClip]]):
    """One CLIP or none: DVC makes no stage for an empty list."""

    section: ClassVar[str] = "relevance"
    root: list[RelevanceClip] = Field(max_length=1)
