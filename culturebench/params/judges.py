"""The judges that answer CultureVQA."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, RootModel


class Judge(BaseModel):
    """One judge: what kind it is, and its weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: str = Field(description="Which class of culturebench.judging answers.")
    pin: str = Field(description="Key of `pins`: the judge's weights.")


class Judges(RootModel[dict[str, Judge]]):
    """Judge name -> judge; each stage's matrix runs over the names."""

    section: ClassVar[str] = "judges"
    root: dict[str, Judge] = Field(min_length=1)
