"""The regions of this run."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field, RootModel, field_validator


class Regions(RootModel[list[str]]):
    """Region codes in the order of the tables; each has a file in `annotations/regions/`."""

    section: ClassVar[str] = "regions"
    root: list[str] = Field(min_length=1)

    @field_validator("root")
    @classmethod
    def _no_code_twice(cls, codes: list[str]) -> list[str]:
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise ValueError(f"listed twice: {', '.join(twice)}")
        return codes

    def __iter__(self) -> Iterator[str]:  # type: ignore[override]
        return iter(self.root)
