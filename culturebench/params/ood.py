"""Captions from outside of the benchmark."""

import re
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator


class OodSource(BaseModel):
    """One file of captions."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    file: str = Field(description="A .csv, .jsonl or CUBE-style .json file, relative to the project's root.")


class Ood(RootModel[dict[str, OodSource]]):
    """Name -> file; the evaluation's rows carry the name as `prompts`, and each stage's matrix runs over the names."""

    section: ClassVar[str] = "ood"

    @model_validator(mode="after")
    def _names(self) -> "Ood":
        for name in self.root:
            if name == "test" or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise ValueError(f"{name!r} is no name for captions: small letters, digits and _, and not `test`")
        return self
