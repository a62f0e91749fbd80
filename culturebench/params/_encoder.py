"""One text encoder."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from culturebench.params._runtime import Runtime


class Encoder(BaseModel):
    """One text encoder: how to load it, and its weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    adapter: str = Field(description="Name of the adapter that loads it.")
    pin: str = Field(description="Key of `pins`: its weights.")
    subfolder: str | None = Field(default=None, description="Of the pin, with the weights; null: text_encoder, if any.")
    tokenizer: str | None = Field(default=None, description="Of the pin, with the tokenizer; null: tokenizer, if any.")
    max_tokens: int | None = Field(default=None, ge=1, description="To which backbones pad; null: the tokenizer's own.")
    masked: bool | None = Field(default=None, description="Whether backbones mask the padding; null: as its family.")
    reads: Literal["last", "penultimate"] | Annotated[int, Field(ge=1)] = Field(
        default="last",
        description="The deepest state that a backbone reads: penultimate is behind the last block but one, a number k "
        "behind the k-th block.",
    )
    template: str | None = Field(
        default=None, description="What the pipeline makes of a prompt, with `{prompt}` in its place; null: no more."
    )
    lowercase: bool = Field(default=False, description="Whether the pipeline reads prompts in lower case.")
    probed: bool = Field(
        default=True, description="Whether its layers and neurons are asked for; false for a tower that nothing edits."
    )
    runtime: Runtime = Field(default_factory=Runtime, description="Where and in which precision it is probed.")

    @property
    def closed(self) -> str:
        """Why it is not probed; "" where it is."""
        return "" if self.probed else "`probed: false` of its entry in `encoders` asks for neither layers nor neurons"

    @property
    def reading(self) -> dict[str, Any]:
        """All of the entry that decides what is read with given weights, as JSON."""
        return self.model_dump(mode="json", exclude={"pin", "probed"})

    @field_validator("template")
    @classmethod
    def _holds_the_prompt(cls, template: str | None) -> str | None:
        if template is not None and template.count("{prompt}") != 1:
            raise ValueError("a template holds `{prompt}` once")
        return template
