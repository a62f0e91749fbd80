"""A function that the user brings: models that this project neither ships nor chooses."""

from pydantic import BaseModel, ConfigDict, Field


class CustomModel(BaseModel):
    """Code that the user brings: in the project's root it counts as the stage's; installed, it needs new `version`s."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    use: str = Field(
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$", description="import path, as my_models:safety"
    )
    version: str = Field(description="any label; another one recomputes what the function decided")
