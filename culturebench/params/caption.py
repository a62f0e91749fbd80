"""Who writes the captions that people have not written."""

from typing import ClassVar, Literal

from pydantic import Field

from culturebench.params._base import Section
from culturebench.params._endpoint import Endpoint


class Caption(Section):
    """Captions in `annotations/captions/` always come first."""

    section: ClassVar[str] = "caption"
    providers: list[Literal["atlas", "template", "openai"]] = Field(
        description="asked in this order: `openai` (a model that sees the picture), `atlas` (the scene's truth), "
        "`template` (a modifier and a noun caption)"
    )
    max_length: int = Field(gt=0, description="characters of a caption that a model writes")
    min_answered: float = Field(
        ge=0, le=1, description="the stage fails when a smaller share of the model's questions got any answer"
    )
    auditors: int = Field(
        ge=1, description="people who have to say the same of a written caption before their audit of it holds"
    )
    openai: Endpoint = Field(description="where the provider `openai` asks")
