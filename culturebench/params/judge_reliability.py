"""How judges and people are compared on real pictures."""

from typing import ClassVar

from pydantic import Field

from culturebench.params._base import Section


class JudgeReliability(Section):
    """The questions, equal for every judge and for people."""

    section: ClassVar[str] = "judge_reliability"
    pictures_per_region: int = Field(ge=1, description="Real test pictures of each region, the first by picture id.")
    choices: int = Field(ge=2, description="Regions to choose from, the right one among them; all when there are less.")
    seed: int = Field(
        ge=0, description="Seed of the wrong choices, of the order in which all are shown, and resampling."
    )
    resamples: int = Field(ge=200, description="Bootstrap resamples of the pictures.")
    level: float = Field(gt=0.5, lt=1, description="Coverage of the intervals, a share.")
