"""How CultureVQA is asked."""

from typing import ClassVar

from pydantic import Field

from culturebench.params._base import Section


class Judge(Section):
    """The question, equal for every judge."""

    section: ClassVar[str] = "judge"
    seed: int = Field(ge=0, description="Seed of the order in which the options are shown.")
