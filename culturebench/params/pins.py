"""Where weights come from, and what fixes them."""

import re
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

_COMMIT = re.compile(r"[0-9a-f]{40}")


class PinSource(BaseModel):
    """Weights in a folder of this project, or in a hub repository at one commit."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    folder: str | None = Field(default=None, description="Folder of weights, relative to the project's root.")
    repo: str | None = Field(default=None, description="Hub repository, `owner/name`.")
    commit: str | None = Field(default=None, description="The repository's full commit, 40 hex digits.")

    @model_validator(mode="after")
    def _one_source(self) -> "PinSource":
        if (self.folder is None) == (self.repo is None):
            raise ValueError("give either `folder`, or `repo` and `commit`")
        if self.folder is not None and self.commit is not None:
            raise ValueError("`commit` belongs to `repo`; a folder is fixed by its files' hashes")
        if self.repo is not None and not _COMMIT.fullmatch(self.commit or ""):
            raise ValueError(
                f"`commit` is {self.commit!r}; a branch, tag or short hash can move: give the full 40 hex digits"
            )
        return self


class Pins(RootModel[dict[str, PinSource]]):
    """Pin name -> source; pin_model writes one file of hashes each."""

    section: ClassVar[str] = "pins"
    root: dict[str, PinSource] = Field(min_length=1)
