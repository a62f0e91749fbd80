"""What a release is called, and how large its files are."""

from typing import ClassVar

from pydantic import Field

from culturebench.params._base import Section


class Release(Section):
    """Read by `culturebench release`; no stage depends on it."""

    section: ClassVar[str] = "release"
    name: str = Field(pattern="^[a-z0-9][a-z0-9-]*$", description="the dataset's name, in small letters")
    url: str = Field(pattern="^(https://.*)?$", description="where the dataset can be found; empty when nowhere yet")
    shard_megabytes: int = Field(ge=1, description="a file holds pictures of about as many megabytes at most")
