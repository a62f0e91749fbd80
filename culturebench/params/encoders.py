"""The text encoders that are probed."""

from typing import ClassVar

from pydantic import Field, RootModel

from culturebench.params._encoder import Encoder as Encoder


class Encoders(RootModel[dict[str, Encoder]]):
    """Encoder name -> encoder; each stage's matrix runs over the names."""

    section: ClassVar[str] = "encoders"
    root: dict[str, Encoder] = Field(min_length=1)
