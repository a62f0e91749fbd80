"""Where the work inside stages is done."""

from typing import ClassVar, Literal

from pydantic import Field

from culturebench.params._base import Section


class Engine(Section):
    """Who does the batches of a stage; it decides no byte of any result."""

    section: ClassVar[str] = "engine"
    decides_bytes: ClassVar[bool] = False
    kind: Literal["local", "ray"] = Field(description="local: this machine; ray: the machines of a Ray cluster.")
    workers: int = Field(
        ge=1,
        description="Batches at work at once: threads or processes of this machine, or Ray actors. "
        "A model of a local stage works in the stage's own process.",
    )
    address: str | None = Field(
        description="Of the Ray cluster, as `ray start` prints it; null: a cluster of this machine alone, "
        "started and ended by the stage."
    )
    cpus_per_worker: float = Field(gt=0, description="CPU cores that a Ray actor is given.")
    gpus_per_worker: float = Field(ge=0, description="GPUs that a Ray actor is given; 0.5 puts two on one.")
