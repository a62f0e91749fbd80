"""Questions about pictures, by which culture neurons of vision-language models are found and tested."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel


class AtlasQuestions(BaseModel):
    """Drawn pictures: the region's name, what is at home there, and neutrally how the object is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["atlas"]
    pin: str = Field(description="Key of `pins`: the atlas's vision-language model, beside which lies what it learned.")
    detect: int = Field(ge=1, description="Pictures a region in which neurons are looked for; four questions on each.")
    test: int = Field(ge=1, description="Pictures a region on which they are silenced, of contexts held out.")
    seed: int = Field(default=0, ge=0, description="Of the pictures and of the options.")


class PublishedQuestions(BaseModel):
    """A folder of Parquet files in the layout of CVQA (afaji/cvqa)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["cvqa"]
    pin: str = Field(description="Key of `pins`: the folder of Parquet files; fetched like weights.")
    detect: float = Field(default=0.5, gt=0, lt=1, description="Share of the pictures for detection, by their hash.")
    salt: str = Field(default="culturebench", description="Another salt divides the pictures anew.")
    cultures: list[str] | None = Field(default=None, min_length=2, description="Countries to keep; null: all.")
    licences: list[str] | None = Field(
        default=None, min_length=1, description="Licences of questions to keep, as the file writes them; null: all."
    )
    min_questions: int = Field(default=20, ge=1, description="Questions that a culture needs in either part.")


QuestionSource = Annotated[AtlasQuestions | PublishedQuestions, Field(discriminator="kind")]


class Questions(RootModel[dict[str, QuestionSource]]):
    """Name -> source; `audits` name one each."""

    section: ClassVar[str] = "questions"
    root: dict[str, QuestionSource]
