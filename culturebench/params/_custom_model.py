"""A function that the user brings: models that this project neither ships nor chooses."""

from pydantic import BaseModel, ConfigDict, Field


class CustomModel(BaseModel):
    """Code outside of this project; DVC does not see it, so a changed one needs another `version`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    use: str = Field(
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$", description="import path, as my_models:safety"
    )
    version: str = Field(description="any label; another one recomputes what the function decided")
