"""How the experts' decisions become a verdict."""

from typing import ClassVar, Literal

from pydantic import Field

from culturebench.params._base import Section


class Annotate(Section):
    """Two or more experts decide independently; a verdict is what follows from their decisions."""

    section: ClassVar[str] = "annotate"
    min_decisions: int = Field(ge=1, description="decisions that a verdict needs; with fewer a picture is undecided")
    consensus: Literal["majority", "dawid_skene"] = Field(
        description="each decision counts alike, or by how reliable its annotator turns out to be (Dawid and Skene)"
    )
    min_agreement: float = Field(
        ge=0.5, le=1, description="share (majority) or probability (dawid_skene) of a verdict; below it: undecided"
    )
    undecided: Literal["drop", "provisional"] = Field(
        description="drop undecided pictures, or let them flow on, marked and never released"
    )
