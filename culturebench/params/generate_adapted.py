"""Which pictures are made under adapters."""

from typing import ClassVar

from pydantic import Field, field_validator

from culturebench.params._base import Section
from culturebench.params._seeds import Seeds


class GenerateAdapted(Section):
    """Test prompts, seeds and strengths; each adapter's pictures stand beside those without it."""

    section: ClassVar[str] = "generate_adapted"
    prompts: int = Field(ge=2, description="Test prompts of the adapter's region, the first by picture id.")
    others_per_region: int = Field(
        ge=1, description="Test prompts of every other region; of each region for an adapter of all of them."
    )
    seeds: Seeds = Field(description="Seeds of the initial noise; each gives one picture of every prompt.")
    strengths: list[float] = Field(
        min_length=1, description="What the adapter's change is multiplied by; 1 is as it was trained."
    )
    swept: list[str] = Field(
        description="Sets of prompts (culturebench/conditions/adapted.py) that have every strength; the others have 1."
    )
    measured: int = Field(ge=1, description="Prompts by whose pictures each strength's size is measured.")

    @field_validator("strengths")
    @classmethod
    def _has_its_own(cls, found: list[float]) -> list[float]:
        if len(set(found)) < len(found) or 1 not in found or min(found) <= 0:
            raise ValueError("give different strengths above 0, 1 among them: it is as the adapter was trained")
        return found
