"""When two pictures are the same one."""

from typing import ClassVar

from pydantic import Field

from culturebench.params._base import Section


class Deduplicate(Section):
    """A pair must pass both limits."""

    section: ClassVar[str] = "deduplicate"
    max_hash_distance: int = Field(ge=0, le=20, description="bits by which two 64-bit perceptual hashes may differ")
    max_difference: float = Field(
        ge=0, description="worst difference of a block after alignment, as a share of the picture's contrast"
    )
