"""The vision-language models whose culture neurons are looked for."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from culturebench.params._runtime import Runtime


class Audit(BaseModel):
    """A model, the questions that it gets, and how it is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    pin: str = Field(description="Key of `pins`: the model, a folder in the hub's layout.")
    questions: str = Field(description="Key of `questions`.")
    scoring: Literal["letters", "generate"] = Field(
        default="letters",
        description="letters: the likeliest of the options' letters behind the prompt; generate: the greedy reply, "
        "which has to be one of the options.",
    )
    judges: bool = Field(
        default=False, description="Whether it is asked CultureVQA too: on real test pictures and on every condition's."
    )
    batch: int = Field(default=8, ge=1, description="Questions at once; their answers are kept together.")
    max_new_tokens: int = Field(default=32, ge=1, description="Tokens of a reply; a longer one is unparseable.")
    max_pixels: int | None = Field(
        default=None, ge=1024, description="Area that a larger picture is scaled down to; null: the model's own."
    )
    runtime: Runtime = Field(default_factory=Runtime, description="Where and in which precision it runs.")


class Audits(RootModel[dict[str, Audit]]):
    """Name -> audit; none: there is no such chapter."""

    section: ClassVar[str] = "audits"
    root: dict[str, Audit]
