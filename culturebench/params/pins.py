"""Where weights come from, and what fixes them."""

import re
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

_COMMIT = re.compile(r"[0-9a-f]{40}")


class PinSource(BaseModel):
    """Weights in a folder, of this project or filled from a hub repository at one commit."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    folder: str = Field(description="Folder of weights, relative to the project's root; a repository is put there.")
    repo: str | None = Field(default=None, pattern=r"^[\w.-]+/[\w.-]+$", description="Hub repository, `owner/name`.")
    commit: str | None = Field(default=None, description="The repository's full commit, 40 hex digits.")
    files: list[str] = Field(default=[], description="Patterns of the repository's files to take; empty: all of them.")
    follow: str | None = Field(
        default=None,
        description="Where newer weights appear, for the flow reprobe: a branch of `repo`, or another folder.",
    )

    @model_validator(mode="after")
    def _fixed(self) -> "PinSource":
        if self.repo is None and (self.commit is not None or self.files):
            raise ValueError("`commit` and `files` belong to `repo`; a folder is fixed by its files' hashes")
        if self.repo is not None and not _COMMIT.fullmatch(self.commit or ""):
            raise ValueError(
                f"`commit` is {self.commit!r}; a branch, tag or short hash can move: give the full 40 hex digits"
            )
        return self


class Pins(RootModel[dict[str, PinSource]]):
    """Pin name -> source; pin_model writes one file of hashes each."""

    section: ClassVar[str] = "pins"
    root: dict[str, PinSource] = Field(min_length=1)
