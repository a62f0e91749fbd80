"""Who writes the captions that people have not written."""

from typing import ClassVar, Literal

from pydantic import Field

from culturebench.params._base import Section


class Caption(Section):
    """Captions in `annotations/captions/` always come first."""

    section: ClassVar[str] = "caption"
    providers: list[Literal["atlas", "template"]] = Field(
        description="asked in this order: `atlas` (the scene's truth), `template` (a modifier and a noun caption)"
    )
