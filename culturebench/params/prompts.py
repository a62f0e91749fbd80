"""The sets of prompts that pictures are made of."""

import re
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

#: The benchmark's own test prompts, and where the stage split writes them.
TEST, TEST_FOLDER = "test", "data/test"


class PromptSource(BaseModel):
    """One set of prompts."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    file: str = Field(
        description="data/test for the test split; else a .csv, .jsonl or CUBE-style .json file of captions from "
        "outside of the benchmark, relative to the project's root."
    )
    modifiers: Literal["unseen"] | None = Field(
        None,
        description="unseen: the test split's cultural captions with another modifier of their subdivision, which no "
        "split carries; for the atlas alone, and conditions from the cultural caption alone.",
    )
    prompts_per_region: int | None = Field(None, ge=1, description="null: as many as generate.prompts_per_region.")
    conditions: list[str] | None = Field(
        None,
        min_length=1,
        description="Which of `conditions` its pictures are made under; null: all whose caption it has.",
    )

    seeds: int | None = Field(
        None, ge=1, description="How many of generate.seeds give a picture of each prompt, the first ones; null: all."
    )

    def asks(self, condition: str) -> bool:
        """Whether pictures of this set are made under a condition, as far as it has the caption."""
        return self.conditions is None or condition in self.conditions

    @model_validator(mode="after")
    def _of_the_test_split(self) -> Self:
        if self.file != TEST_FOLDER and (self.modifiers or self.prompts_per_region):
            raise ValueError(
                f"`modifiers` and `prompts_per_region` are for prompts of the test split, {{file: {TEST_FOLDER}}}"
            )
        return self


class Prompts(RootModel[dict[str, PromptSource]]):
    """Name -> source; pictures and answers have a file for each, and result rows carry the name as `prompts`."""

    section: ClassVar[str] = "prompts"

    @model_validator(mode="after")
    def _names(self) -> Self:
        for name, source in self.root.items():
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise ValueError(f"{name!r} is no name for prompts: small letters, digits and _")
            if (name == TEST) != (source.file == TEST_FOLDER and not source.modifiers):
                raise ValueError(
                    f"`{TEST}` is the test split, {{file: {TEST_FOLDER}}}; another set of it needs `modifiers: unseen`"
                )
            if name == TEST and (source.conditions, source.seeds) != (None, None):
                raise ValueError(f"`{TEST}` has all of `conditions` and all of generate.seeds; remove the keys there")
        if TEST not in self.root:
            raise ValueError(f"`{TEST}` is missing; add {TEST}: {{file: {TEST_FOLDER}}}")
        return self
