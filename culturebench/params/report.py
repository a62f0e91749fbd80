"""What the report shows."""

from typing import ClassVar

from pydantic import Field

from culturebench.params._base import Section


class Report(Section):
    """The size of the report's pictures."""

    section: ClassVar[str] = "report"
    pixels: int = Field(
        ge=32, le=1024, description="Width and height, in pixels, that no picture in the report exceeds."
    )
