"""How the experts' decisions become a verdict."""

from typing import ClassVar, Literal

from pydantic import Field

from culturebench.params._base import Section


class Annotate(Section):
    """A verdict is the majority of the decisions."""

    section: ClassVar[str] = "annotate"
    min_decisions: int = Field(ge=1, description="decisions that a verdict needs; with fewer a picture is undecided")
    undecided: Literal["drop", "provisional"] = Field(
        description="drop undecided pictures, or let them flow on, marked and never released"
    )
