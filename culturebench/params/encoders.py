"""The text encoders that are probed."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, RootModel


class Encoder(BaseModel):
    """One text encoder: how to load it, and its weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    adapter: str = Field(description="Name of the adapter that loads it.")
    pin: str = Field(description="Key of `pins`: its weights.")


class Encoders(RootModel[dict[str, Encoder]]):
    """Encoder name -> encoder; each stage's matrix runs over the names."""

    section: ClassVar[str] = "encoders"
    root: dict[str, Encoder] = Field(min_length=1)
