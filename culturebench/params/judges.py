"""The judges that answer CultureVQA."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from culturebench.params._endpoint import Endpoint
from culturebench.params._runtime import Runtime


class AtlasJudge(BaseModel):
    """One of the atlas's trained classifiers."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["atlas"]
    pin: str = Field(description="Key of `pins`: the judge's weights.")


class ServedJudge(Endpoint):
    """A model that sees pictures, behind an OpenAI-compatible endpoint."""

    kind: Literal["openai"]


class LocalJudge(BaseModel):
    """A vision-language model of the library transformers, on this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["transformers"]
    pin: str = Field(description="Key of `pins`: a folder in the hub's layout, such as Qwen3-VL-8B-Instruct.")
    batch: int = Field(default=8, ge=1, description="Pictures seen and kept at once; halved until they fit.")
    max_new_tokens: int = Field(default=32, ge=1, description="Tokens of a reply; a longer one is unparseable.")
    max_pixels: int | None = Field(
        default=None, ge=1024, description="Area that a larger picture is scaled down to; null: the model's own."
    )
    runtime: Runtime = Field(default_factory=Runtime, description="Where and in which precision it runs.")


Judge = Annotated[AtlasJudge | ServedJudge | LocalJudge, Field(discriminator="kind")]


class Judges(RootModel[dict[str, Judge]]):
    """Judge name -> judge; each stage's matrix runs over the names. None where there are no models to judge."""

    section: ClassVar[str] = "judges"
    root: dict[str, Judge]
