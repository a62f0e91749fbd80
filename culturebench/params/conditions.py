"""The conditions under which pictures are made, by the stage that makes them."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from culturebench.params._base import Section

Pinned = Literal["noun", "noun_en", "cultural"]
Edited = Literal["amplified", "activated", "masked", "random_amplified", "random_activated", "random_masked"]
Enhanced = Literal["enhanced", "random_layer_enhanced"]


class Conditions(Section):
    """Condition names; the matrix of each generating stage runs over its own list."""

    section: ClassVar[str] = "conditions"
    pinned: list[Pinned] = Field(min_length=1, description="Made from the prompt alone, by the stage generate.")
    edited: list[Edited] = Field(description="Made with an edit of the encoder, by the stage generate_edited.")
    enhanced: list[Enhanced] = Field(description="Made with a trained enhancer, by the stage generate_enhanced.")
    all: list[str] = Field(min_length=1, description="What is judged, measured and evaluated.")

    @model_validator(mode="after")
    def _all_are_made(self) -> "Conditions":
        made = {*self.pinned, *self.edited, *self.enhanced}
        unknown = [name for name in self.all if name not in made]
        if unknown:
            raise ValueError(
                f"`all` names {', '.join(unknown)}, which no stage makes; made are: {', '.join(sorted(made))}"
            )
        return self
