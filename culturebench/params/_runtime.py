"""Where and in which precision a model runs."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

#: A precision, or the machine's own.
Dtype = Literal["auto", "float32", "bfloat16", "float16"]
#: What an operation without a deterministic kernel does: it ends the run, is named once, or is nobody's concern.
Deterministic = Literal["error", "warn", "off"]


class Runtime(BaseModel):
    """How a model runs on a machine; the adapter `atlas` always runs in float32 on the CPU."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    dtype: Dtype = Field(default="auto", description="Of the weights; auto: bfloat16 on a GPU, float32 on a CPU.")
    device: str = Field(default="auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description="auto: a GPU if any.")
    attention: Literal["auto", "eager", "sdpa", "flash_attention_2"] = Field(
        default="auto", description="Back end; auto: sdpa for text encoders that have it, the library's own for others."
    )
    deterministic: Deterministic = Field(
        default="error", exclude_if=lambda value: value == "error",  # older keys hold no such field
        description="What has no deterministic kernel: error, warn (run, and named once), or off (any kernel, of what "
        "has one too). With the last two, bytes may differ from run to run.",
    )  # fmt: skip
