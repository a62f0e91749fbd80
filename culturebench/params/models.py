"""The text-to-image models of this run."""

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

from culturebench.params._runtime import Dtype, Runtime


class ModelRuntime(Runtime):
    """How a model's backbone runs; where its towers run is said under `encoders`."""

    offload: Literal["none", "model", "sequential"] = Field(
        default="none",
        description="What waits on the CPU: nothing, whole parts, or single layers (slow, least memory).",
    )
    device_map: str | None = Field(default=None, description="Spreads the denoiser over several GPUs: auto, balanced.")
    vae: Dtype | None = Field(default=None, description="Precision of the autoencoder of pictures; null: `dtype`.")
    bridge: Dtype | None = Field(default=None, description="Precision of the weights of `bridge`; null: `dtype`.")
    batch: int | None = Field(
        default=None, ge=1, description="Most pictures computed at once; null: all of a batch, halved until they fit."
    )
    # What pictures are stored under holds these two where they are set, and is as it was where they are not.
    channels_last: bool = Field(
        default=False, exclude_if=lambda value: not value,
        description="Lays weights of a UNet and of the autoencoder out as GPUs convolve them fastest.",
    )  # fmt: skip
    compile: str | None = Field(
        default=None, exclude_if=lambda value: value is None,
        description="Backend of torch.compile for the denoiser and the autoencoder's decoder, such as inductor; "
        "null: nothing is compiled.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _compiles_what_stays(self) -> "ModelRuntime":
        if self.compile is not None and (self.offload != "none" or self.device_map):
            raise ValueError("`compile` takes a denoiser that stays on one device: `offload: none`, no `device_map`")
        return self


class Scheduler(BaseModel):
    """A scheduler in the place of the backbone's own, whose settings it takes over."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)
    kind: str = Field(alias="class", description="Its class in diffusers, such as DPMSolverMultistepScheduler.")
    settings: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="By the class's own names; they go before the backbone's."
    )


class Model(BaseModel):
    """One text-to-image model: how to load it, and which encoders feed it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    adapter: str = Field(description="Name of the adapter that loads it.")
    towers: list[str] = Field(description="Keys of `encoders`, in the order the backbone reads them.")
    edited: str | None = Field(default=None, description="The tower that interventions act on; null: the only one.")
    pin: str = Field(description="Key of `pins`: the weights behind the encoders.")
    bridge: str | None = Field(default=None, description="Key of `pins`: weights between encoder and backbone, if any.")
    steps: int | None = Field(default=None, ge=1, description="Sampler steps; null: `sampler.steps`.")
    guidance: float | None = Field(default=None, ge=0, description="Guidance scale; null: the pipeline's own.")
    size: int | None = Field(default=None, ge=8, description="Pixels, width and height; null: the pipeline's own.")
    scheduler: Scheduler | None = Field(default=None, description="Another scheduler; null: the backbone's own.")
    negative_prompt: str = Field(default="", description="What the unconditional half of the guidance reads.")
    command: list[str] | None = Field(
        default=None, min_length=1, description="Starts the worker of a model that lives in an environment of its own."
    )
    runtime: ModelRuntime = Field(default_factory=ModelRuntime, description="Where and in which precision it runs.")

    @property
    def closed(self) -> str:
        """Why nothing of it can be probed, edited or trained; "" where its text encoders are within reach."""
        if self.towers:
            return ""
        return (
            f"the text encoders of the adapter {self.adapter} are out of reach, so that it makes plain pictures alone "
            "and is neither probed, edited nor trained"
        )

    @model_validator(mode="after")
    def _edits_a_tower(self) -> "Model":
        if self.edited is not None and self.edited not in self.towers:
            raise ValueError(f"`edited` is {self.edited!r}; `towers` has: {', '.join(self.towers)}")
        return self


class Models(RootModel[dict[str, Model]]):
    """Model name -> model; each stage's matrix runs over the names. None: text encoders are probed, and that is all."""

    section: ClassVar[str] = "models"
    root: dict[str, Model]
