"""Which test prompts are generated, and from which noise."""

from typing import ClassVar

from pydantic import Field

from culturebench.params._base import Section
from culturebench.params._seeds import Seeds


class Generate(Section):
    """The test prompts and seeds, equal for every condition."""

    section: ClassVar[str] = "generate"
    prompts_per_region: int = Field(ge=1, description="Test prompts per region, the first by picture id.")
    seeds: Seeds = Field(description="Seeds of the initial noise; each gives one picture of every prompt.")
