"""Sections whose values may differ from encoder to encoder."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from culturebench.params._base import RENAMED_OF_ENCODER, Section, new_name


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
                wrong = error.errors()[0]
                own = ".".join(str(part) for part in wrong["loc"])
                key = f"encoders.{name}.{own}"
                if wrong["type"] == "extra_forbidden" and (new := new_name(f"{self.section}.{own}")):
                    told = {"key": key, "new": new}
                    raise PydanticCustomError(
                        RENAMED_OF_ENCODER, "{key} is called {new} now; rename it", told
                    ) from None
                raise ValueError(f"{key}: {wrong['msg']} (got {wrong['input']!r})") from None
        return self
