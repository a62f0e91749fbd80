"""Which written captions wait for an audit, and when a cue is common enough for one to rest on it."""

from typing import ClassVar, Literal

from pydantic import Field

from culturebench.params._base import Section


class Ground(Section):
    """A caption that names a cue below either bound waits for people's audit."""

    section: ClassVar[str] = "ground"
    audit: Literal["all", "rare"] = Field(
        description="captions of a language model that wait for people's audit: all of them | those on a rare cue"
    )
    min_support: int = Field(ge=1, description="pictures of the region that must show a cue")
    min_lift: float = Field(
        ge=0, description="a cue's share of the region's pictures divided by its share of all regions' pictures"
    )
