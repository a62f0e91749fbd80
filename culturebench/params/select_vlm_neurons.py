"""How many neurons each selector takes for each culture."""

from typing import ClassVar

from pydantic import Field, field_validator

from culturebench.params._base import Section
from culturebench.params._lape import Lape


class SelectVlmNeurons(Section):
    """Equal numbers for every selector and culture, ranked over all layers together."""

    section: ClassVar[str] = "select_vlm_neurons"
    selectors: tuple[str, ...] = Field(
        min_length=1,
        description="Names of `SELECTORS` (culturebench/probing/selectors.py) that rank by how cultures fire alone, "
        "and `random`, their control.",
    )
    share: float = Field(gt=0, le=0.1, description="Neurons of one culture, as a share of all in the decoder.")
    lape: Lape = Field(description="The shares of the selector lape; `top` is not asked, since sizes are equal.")
    draws: int = Field(ge=1, description="Of random neurons, from the same layers as those of `matched`.")
    matched: str = Field(description="The selector whose numbers by layer random neurons have.")
    seed: int = Field(ge=0, description="Of the random neurons.")

    @field_validator("selectors")
    @classmethod
    def _control(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if "random" not in names or len(names) < 2 or len(set(names)) < len(names):
            raise ValueError("give `random`, at least one other selector, and none twice")
        return names
