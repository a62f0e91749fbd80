"""How pictures are given to experts in Label Studio."""

from typing import ClassVar

from pydantic import Field

from culturebench.params._base import Section


class Labeling(Section):
    """No stage reads this: a change here sends more to the experts and recomputes nothing."""

    section: ClassVar[str] = "labeling"
    overlap: int = Field(ge=1, le=100, description="experts who decide on each picture, independently")
    gold: int = Field(ge=0, description="pictures per region with a known answer, mixed in for every expert")
    batch_size: int = Field(ge=1, le=5000, description="tasks per request")
