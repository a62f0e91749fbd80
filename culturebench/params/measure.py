"""What pictures are measured against."""

from typing import ClassVar, Literal

from pydantic import Field

from culturebench.params._base import Section


class Measure(Section):
    """The automatic measures of generated pictures."""

    section: ClassVar[str] = "measure"
    alignment: str = Field(description="Key of `pins`: the atlas's dual encoder.")
    caption: Literal["noun", "noun_en", "cultural"] = Field(
        description="The test row's caption that pictures are compared with, one for all conditions."
    )
