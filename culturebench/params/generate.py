"""Which test prompts are generated, and from which noise."""

from typing import ClassVar

from pydantic import Field

from culturebench.params._base import Section
from culturebench.params._seeds import Seeds


class Generate(Section):
    """The test prompts and seeds: equal for every condition, but for controls, which may have fewer seeds."""

    section: ClassVar[str] = "generate"
    prompts_per_region: int = Field(ge=1, description="Test prompts per region, the first by picture id.")
    seeds: Seeds = Field(description="Seeds of the initial noise; each gives one picture of every prompt.")
    control_seeds: int = Field(
        ge=1,
        description="How many of the seeds, the first ones, a control's pictures have. Differences are taken over the "
        "prompts and seeds that both have.",
    )

    def seeds_of(self, *, control: bool) -> tuple[int, ...]:
        """The seeds of a condition's pictures, which may be a control."""
        return self.seeds[: self.control_seeds] if control else self.seeds
