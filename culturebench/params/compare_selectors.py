"""How the selectors of culture neurons are compared: by what masking their neurons does, on the train split."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field, field_validator

from culturebench.params._base import Section
from culturebench.params._seeds import Seeds


class CompareSelectors(Section):
    """What is drawn, and who judges; the time grows with selectors x K x regions x (1 + others) x prompts x seeds."""

    section: ClassVar[str] = "compare_selectors"
    judge: str = Field(description="Key of `judges`: the one that answers.")
    selectors: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Names of those compared, of `SELECTORS` (culturebench/probing/selectors.py); null: of all. Each "
        "one's own effect is set against that of the control among them.",
    )
    k: tuple[Annotated[int, Field(ge=1)] | None, ...] = Field(
        default=(None,),
        min_length=1,
        description="How many neurons of a region are masked, one table each: the best so many by the selector's own "
        "score; null: all that it picked, up to its elbow.",
    )
    max_regions: int | None = Field(
        default=None,
        ge=2,
        description="Regions drawn, evenly over `regions`; null: all, as a table needs that decides.",
    )
    others: int | None = Field(
        default=1,
        ge=1,
        description="On how many other regions' prompts a region's neurons are masked beside its own: those that "
        "follow it in `regions`; null: on all.",
    )
    prompts_per_region: int = Field(ge=1, description="Train prompts per region, the first by picture id.")
    seeds: Seeds = Field(description="Seeds of the initial noise; each gives one picture of every prompt.")
    resamples: int = Field(ge=200, description="Bootstrap resamples of the prompts behind every interval.")
    permutations: int = Field(default=10000, ge=1000, description="Sign patterns tried by the test of each effect.")
    level: float = Field(
        gt=0.5, lt=1, description="Coverage of the intervals, a share; tests err at most as often as 1 - level."
    )
    seed: int = Field(ge=0, description="Seed of the resampling, and of the order of the judge's options.")

    @field_validator("k")
    @classmethod
    def _different(cls, found: tuple[int | None, ...]) -> tuple[int | None, ...]:
        if len(set(found)) < len(found):
            raise ValueError("a number stands there twice")
        return found

    def drawn(self, regions: Sequence[str]) -> list[str]:
        """At most `max_regions` of the regions, evenly over their order."""
        count = min(self.max_regions or len(regions), len(regions))
        return [regions[i * len(regions) // count] for i in range(count)]

    def targets(self, regions: Sequence[str]) -> dict[str, list[str]]:
        """Of each of the regions those on whose prompts its neurons are masked: itself and the next `others`."""
        count = len(regions) - 1 if self.others is None else min(self.others, len(regions) - 1)
        return {code: [regions[(i + k) % len(regions)] for k in range(count + 1)] for i, code in enumerate(regions)}
