"""How judges and people are compared on real pictures."""

from typing import ClassVar, Literal

from pydantic import Field

from culturebench.params._base import Section

Form = Literal["pictures", "regions"]


class JudgeReliability(Section):
    """The questions, equal for every judge and for people."""

    section: ClassVar[str] = "judge_reliability"
    form: Literal["pictures", "regions", "both"] = Field(
        description="pictures: several pictures, one of which shows the region that is named | regions: one picture, "
        "and the regions that it may be of | both."
    )
    pictures_per_region: int = Field(
        ge=1, description="Questions on each region: its real test pictures, the first by picture id."
    )
    choices: int = Field(
        ge=2, description="Pictures, or regions, to choose from, the right one among them; all when there are less."
    )
    seed: int = Field(
        ge=0, description="Seed of the wrong choices, of the order in which all are shown, and resampling."
    )
    resamples: int = Field(ge=200, description="Bootstrap resamples of the pictures.")
    level: float = Field(gt=0.5, lt=1, description="Coverage of the intervals, a share.")

    @property
    def forms(self) -> tuple[Form, ...]:
        """The forms that are asked, the paper's first."""
        return ("pictures", "regions") if self.form == "both" else (self.form,)
