"""How intervals are made."""

from typing import ClassVar

from pydantic import Field

from culturebench.params._base import Section


class Evaluate(Section):
    """The bootstrap over prompts behind every interval of the evaluation."""

    section: ClassVar[str] = "evaluate"
    samples: int = Field(
        ge=200, description="Bootstrap resamples of the prompts; 2000 holds a bound to about ±0.2 points."
    )
    seed: int = Field(ge=0, description="Seed of the resampling.")
    level: float = Field(gt=0.5, lt=1, description="Coverage of the intervals, a share.")
