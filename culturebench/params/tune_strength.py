"""How the strength lambda of each edit is chosen, on the train split."""

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from culturebench.params._base import ParamsError, Section
from culturebench.params._seeds import Seeds


class DoseResponse(BaseModel):
    """How accuracy grows with the size of a control's edit, beside that of the neurons."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    controls: tuple[str, ...] = Field(description="Kinds of controls, as in the names of their conditions.")
    prompts_per_region: int = Field(ge=1, description="Train prompts per region, the first by picture id.")
    strengths: int = Field(ge=1, description="Lambdas of each grid that are tried, evenly over it and the last too.")

    def of(self, grid: Sequence[float]) -> list[float]:
        """The lambdas of a grid that are tried, 0 never."""
        tried, count = grid[1:], min(self.strengths, len(grid) - 1)
        return [tried[(number + 1) * len(tried) // count - 1] for number in range(count)]


class TuneStrength(Section):
    """Prompts, grids and the rule's numbers."""

    section: ClassVar[str] = "tune_strength"
    judge: str = Field(description="Key of `judges`: the one that answers while tuning.")
    prompts_per_region: int = Field(ge=1, description="Train prompts per region, the first by picture id.")
    seeds: Seeds = Field(description="Seeds of the initial noise; each gives one picture of every prompt.")
    amplify: tuple[float, ...] = Field(description="Lambdas tried by amplify, ascending from 0 (no edit).")
    activate: tuple[float, ...] = Field(
        description="Lambdas tried by activate, in mean activations on cultural prompts, ascending from 0 (no edit)."
    )
    steer: tuple[float, ...] = Field(
        description="Multiples of the mean difference tried by steer, ascending from 0 (no edit)."
    )
    steer_en: tuple[float, ...] = Field(description="The same from the English noun.")
    alignment_share: float = Field(
        gt=0, le=1, description="Share of the unedited pictures' object accuracy that a strength must keep."
    )
    dose: DoseResponse = Field(description="What is tried of the controls; it chooses nothing.")
    resamples: int = Field(ge=200, description="Bootstrap resamples of the prompts for the curve's intervals.")
    level: float = Field(gt=0.5, lt=1, description="Coverage of the curve's intervals, a share.")
    seed: int = Field(ge=0, description="Seed of the resampling, and of the order of the judge's options.")

    def grid(self, edit: str) -> tuple[float, ...]:
        """The lambdas tried by an edit; `ParamsError` where there is no key of its name."""
        if edit not in type(self).model_fields:
            raise ParamsError(f"tune_strength has no grid of `{edit}`; add the key to params.yaml and to TuneStrength")
        return getattr(self, edit)

    @field_validator("amplify", "activate", "steer", "steer_en")
    @classmethod
    def _ascending_from_zero(cls, grid: tuple[float, ...]) -> tuple[float, ...]:
        if len(grid) < 2 or grid[0] != 0 or any(b <= a for a, b in pairwise(grid)):
            raise ValueError("a grid starts at 0 and ascends, as in [0, 1, 2]")
        return grid
