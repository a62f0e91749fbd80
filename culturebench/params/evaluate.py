"""How intervals and tests are made."""

from typing import ClassVar

from pydantic import Field

from culturebench.params._base import Section


class Evaluate(Section):
    """The bootstrap over prompts behind every interval of the evaluation, and the test of paired differences."""

    section: ClassVar[str] = "evaluate"
    resamples: int = Field(
        ge=200, description="Bootstrap resamples of the prompts; 2000 holds a bound to about ±0.2 points."
    )
    permutations: int = Field(
        ge=1000, description="Sign patterns tried by the test of a paired difference; no p-value is below 1 / this."
    )
    seed: int = Field(ge=0, description="Seed of the resampling and of the sign patterns.")
    level: float = Field(
        gt=0.5, lt=1, description="Coverage of the intervals, a share; tests err at most as often as 1 - level."
    )
