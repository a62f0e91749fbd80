"""Sections whose values may differ from encoder to encoder."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from culturebench.params._base import OF_ENCODER, Section, told


class EncoderSection(Section):
    """Values for every encoder, and under `encoders.<name>` those in which one of them differs."""

    encoders: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Encoder name -> the keys of this section that are different for it."
    )

    def of(self, encoder: str) -> Self:
        """The values for `encoder`."""
        values = self.model_dump(exclude={"encoders"})
        return type(self).model_validate({**values, **self.encoders.get(encoder, {})})

    @model_validator(mode="after")
    def _overrides_fit(self) -> Self:
        for name in self.encoders:
            try:
                self.of(name)
            except ValidationError as error:
                reasons = "; ".join(self._told(name, wrong) for wrong in error.errors())
                raise PydanticCustomError(OF_ENCODER, "{reasons}", {"reasons": reasons}) from None
        return self

    def _told(self, encoder: str, wrong: ErrorDetails) -> str:
        own = [str(part) for part in wrong["loc"]]
        return told(".".join([self.section, "encoders", encoder, *own]), wrong, ".".join([self.section, *own]))
