"""How the selectors of culture neurons are compared: by what masking their neurons does, on the train split."""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from culturebench.params._base import Section
from culturebench.params._seeds import Seeds


class CompareSelectors(Section):
    """What is drawn, and who judges; the time grows with selectors x regions x regions x prompts x seeds."""

    section: ClassVar[str] = "compare_selectors"
    judge: str = Field(description="Key of `judges`: the one that answers.")
    selectors: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Names of those compared, of `SELECTORS` (culturebench/probing/selectors.py); null: of all. Each "
        "one's own effect is set against that of the control among them.",
    )
    max_regions: int = Field(
        ge=2, description="Regions drawn, evenly over `regions`; each one's neurons are masked on all their prompts."
    )
    prompts_per_region: int = Field(ge=1, description="Train prompts per region, the first by picture id.")
    seeds: Seeds = Field(description="Seeds of the initial noise; each gives one picture of every prompt.")
    resamples: int = Field(ge=200, description="Bootstrap resamples of the prompts behind every interval.")
    level: float = Field(gt=0.5, lt=1, description="Coverage of the intervals, a share.")
    seed: int = Field(ge=0, description="Seed of the resampling, and of the order of the judge's options.")

    def drawn(self, regions: Sequence[str]) -> list[str]:
        """At most `max_regions` of the regions, evenly over their order."""
        count = min(self.max_regions, len(regions))
        return [regions[i * len(regions) // count] for i in range(count)]
