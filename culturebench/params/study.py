"""The study with people: what they are shown, how many of them there are, and when a person's answers leave."""

from collections.abc import Iterable
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

#: What every other condition is compared with.
REFERENCE = "noun"


class Prompts(BaseModel):
    """Prompts of each region for each kind of task, 0 for a kind that is left out; none is shown in two kinds."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    scc: int = Field(ge=0, description="Which culture? One picture, all regions to choose from.")
    mcc: int = Field(ge=0, description="Which of these? A picture of every condition, so no other kind may show them.")
    csr: int = Field(ge=0, description="How well does it show this culture? One picture, 1 to 5.")


class Scripted(BaseModel):
    """Participants of the atlas, who are no people: how they err stands in their names. Other models have none."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    judge: str = Field(description="They see in a generated picture the region that this judge named.")
    clickers: int = Field(ge=0, description="Of all of them, who click at random; the rule has to find them.")


class StudyPlan(BaseModel):
    """Decided before anybody answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    model: str | None = Field(
        default=None, description="Key of `models`: whose pictures; null: the first, and no study where there is none."
    )
    conditions: tuple[str, ...] = Field(
        min_length=2,
        max_length=26,
        description=f"Whose pictures are shown; the others are compared with `{REFERENCE}`.",
    )
    prompts_per_region: Prompts
    seeds: tuple[int, ...] = Field(min_length=1, description="Of the noise; one a prompt, in turn.")
    groups: int = Field(ge=1, description="Parts of a kind's prompts; a person sees one. Blocks: conditions x groups.")
    people: int = Field(ge=1, description="Participants of each block.")
    gold: int = Field(ge=0, description="Real pictures with a known answer, of each kind in each block.")
    repeats: int = Field(ge=0, description="Tasks of each kind and block that come a second time.")
    max_gold_wrong: int = Field(ge=0, description="Who has more wrong is left out, by this rule alone.")
    min_seconds: float = Field(ge=0, description="A quicker answer is noted as too fast; it stays.")
    salt: str = Field(min_length=1, description="Of the tasks' ids and of every draw; another salt plans anew.")
    resamples: int = Field(ge=200, description="Bootstrap resamples of prompts and people.")
    level: float = Field(gt=0.5, lt=1, description="Coverage of the intervals, a share.")
    seed: int = Field(ge=0, description="Of the resampling.")
    scripted: Scripted | None = Field(default=None, description="Null in a study with people.")

    def chosen(self, models: Iterable[str]) -> str | None:
        """The key of `models` whose pictures are shown; None where there is no model."""
        return self.model or next(iter(models), None)

    @property
    def blocks(self) -> int:
        """How many there are."""
        return len(self.conditions) * self.groups

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if REFERENCE not in self.conditions:
            raise ValueError(f"conditions must name {REFERENCE}, with which the others are compared")
        if not any(self.prompts_per_region.model_dump().values()):
            raise ValueError("prompts_per_region is 0 for every kind; {} in the place of all of `study` leaves it out")
        if len(set(self.conditions)) < len(self.conditions):
            raise ValueError(f"conditions names one twice: {', '.join(self.conditions)}")
        return self


class Study(RootModel[StudyPlan | None]):
    """The plan; none for `{}`, which leaves the study out."""

    section: ClassVar[str] = "study"

    @model_validator(mode="before")
    @classmethod
    def _none(cls, value: Any) -> Any:
        return None if value == {} else value
