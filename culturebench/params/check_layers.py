"""How the layers' effects are measured; they are judged by the test of `probe_layers`, with its numbers."""

from typing import ClassVar

from pydantic import Field

from culturebench.params._by_encoder import EncoderSection


class CheckLayers(EncoderSection):
    """The push at each layer, and when its effect stands out."""

    section: ClassVar[str] = "check_layers"
    share: float = Field(gt=0, le=1, description="Of the difference in attention output that is added; small: 0.1.")
    max_pairs: int = Field(ge=2, description="Different train pairs that are pushed; more are left out evenly.")
    min_excess: float = Field(
        ge=0, description="How far a marked layer's effect exceeds its neighbours' at least, as a share of the way."
    )
