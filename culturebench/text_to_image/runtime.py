"""Where and in which precision models run; what params leave open depends on the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from culturebench.numerics import kind

if TYPE_CHECKING:
    from culturebench.params._runtime import Dtype, Runtime


def device_of(how: Runtime) -> torch.device:
    """The device; `auto` is the first accelerator, else the CPU."""
    if how.device != "auto":
        return torch.device(how.device)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def kind_of(device: torch.device) -> str:
    """What a device is; results of two kinds need not have equal bytes."""
    if device.type == "cpu":
        return kind()
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def dtype_of(how: Runtime, part: Dtype | None = None) -> torch.dtype:
    """The weights' type, where a `part` has one of its own that; `auto` is bfloat16 on an accelerator, else float32."""
    chosen = part or how.dtype
    if chosen != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[chosen]
    return torch.float32 if device_of(how).type == "cpu" else torch.bfloat16
