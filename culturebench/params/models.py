"""The text-to-image models of this run."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, RootModel


class Model(BaseModel):
    """One text-to-image model: how to load it, and which encoders feed it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    adapter: str = Field(description="Name of the adapter that loads it.")
    towers: list[str] = Field(min_length=1, description="Keys of `encoders`, in the order the backbone reads them.")
    pin: str = Field(description="Key of `pins`: the weights behind the encoders.")


class Models(RootModel[dict[str, Model]]):
    """Model name -> model; each stage's matrix runs over the names."""

    section: ClassVar[str] = "models"
    root: dict[str, Model] = Field(min_length=1)
