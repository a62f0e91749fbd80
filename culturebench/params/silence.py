"""How the effect of silenced neurons is taken."""

from typing import ClassVar, Literal

from pydantic import Field

from culturebench.params._base import Section


class Silence(Section):
    """Every culture's neurons of every selector are silenced on all test questions."""

    section: ClassVar[str] = "silence"
    languages: tuple[Literal["native", "english"], ...] = Field(
        min_length=1, description="In which the test questions are asked; the first is the one of the tables."
    )
    by_layer: str | None = Field(
        description="The selector whose neurons are also silenced one layer at a time; null: none."
    )
    resamples: int = Field(ge=200, description="Bootstrap resamples of the pictures behind every interval.")
    level: float = Field(gt=0.5, lt=1, description="Coverage of the intervals.")
    seed: int = Field(ge=0, description="Of the resampling.")
