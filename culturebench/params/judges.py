"""The judges that answer CultureVQA."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from culturebench.params._endpoint import Endpoint


class AtlasJudge(BaseModel):
    """One of the atlas's trained classifiers."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["atlas"]
    pin: str = Field(description="Key of `pins`: the judge's weights.")


class ServedJudge(Endpoint):
    """A model that sees pictures, behind an OpenAI-compatible endpoint."""

    kind: Literal["openai"]


Judge = Annotated[AtlasJudge | ServedJudge, Field(discriminator="kind")]


class Judges(RootModel[dict[str, Judge]]):
    """Judge name -> judge; each stage's matrix runs over the names."""

    section: ClassVar[str] = "judges"
    root: dict[str, Judge] = Field(min_length=1)
