"""How pictures are divided."""

from typing import ClassVar

from pydantic import Field, model_validator

from culturebench.params._base import Section


class Split(Section):
    """Whole numbers that stand in the ratio of the split sizes."""

    section: ClassVar[str] = "split"
    train: int = Field(ge=0, description="parts for SAE, enhancer and tuning")
    test: int = Field(ge=0, description="parts for generation and judging")
    detect: int = Field(ge=0, description="parts for the layer probe and neuron selection")
    salt: str = Field(description="another salt divides pictures anew, except frozen ones")

    @model_validator(mode="after")
    def _leave_something(self) -> "Split":
        if not self.train + self.test + self.detect:
            raise ValueError("train, test and detect are all 0")
        return self
