"""The conditions under which pictures are made, by the stage that makes them."""

from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator

from culturebench.params._base import Section

#: A set as YAML writes one: `{noun, cultural}`. DVC's matrix runs over its names.
Names = dict[str, None]
#: Set -> the stage that makes its conditions.
STAGES = {"pinned": "generate", "edited": "generate_edited", "enhanced": "generate_enhanced"}


class Conditions(Section):
    """Names of condition records; `culturebench validate` checks that each has one, of the stage that is named here."""

    section: ClassVar[str] = "conditions"
    pinned: Names = Field(min_length=1, description="Made from the prompt alone, by the stage generate.")
    edited: Names = Field(description="Made with an edit of the encoder, by the stage generate_edited.")
    enhanced: Names = Field(description="Made with a trained enhancer, by the stage generate_enhanced.")
    all: Names = Field(description="What is judged, measured and evaluated: the three together.")

    @property
    def by_stage(self) -> dict[str, list[str]]:
        """Stage -> the conditions that it is to make."""
        return {stage: list(getattr(self, name)) for name, stage in STAGES.items()}

    @field_validator("*", mode="before")
    @classmethod
    def _set(cls, names: Any) -> Any:
        if isinstance(names, list):
            raise ValueError("write the names in braces, as {noun, cultural}, so that `all` can take them over")
        return names

    @model_validator(mode="after")
    def _all_are_made(self) -> "Conditions":
        made = [name for names in self.by_stage.values() for name in names]
        if sorted(made) != sorted(self.all):
            raise ValueError(
                f"`all` has to be {{<<: [*pinned, *edited, *enhanced]}}, which is {', '.join(made)}; it is "
                f"{', '.join(self.all)}"
            )
        return self
