"""How every picture is sampled."""

from typing import ClassVar

from pydantic import Field

from culturebench.params._base import Section


class Sampler(Section):
    """The sampler, equal for every condition and for the tuning of strengths."""

    section: ClassVar[str] = "sampler"
    steps: int = Field(ge=1, description="Sampler steps.")
    batch_size: int = Field(ge=1, description="Pictures computed at once, of one region; kept and resumed together.")
