"""How CultureVQA is asked."""

from typing import ClassVar

from pydantic import Field

from culturebench.params._base import Section


class Judge(Section):
    """The question, equal for every judge."""

    section: ClassVar[str] = "judge"
    seed: int = Field(ge=0, description="Seed of the order in which the options are shown.")
    anglo: str | None = Field(
        default=None,
        min_length=1,
        description="Name of one more option, such as `the English-speaking world`: shown apart, counted as no region. "
        "The atlas's judges know none and never choose it.",
    )
