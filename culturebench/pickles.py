"""Turning a pickled checkpoint into safetensors, once and on demand: nothing else here reads a pickle."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from culturebench.pins import PICKLES, PinError, sha256_of

#: What the hub's libraries call the same weights.
RENAMED = {"pytorch_model": "model"}


def convert(path: Path) -> Path:
    """Write the tensors beside `path` as safetensors, remove the pickle, and give the new file.

    Only tensors and plain containers are unpickled (`weights_only=True`). `PinError` for another kind of file, one
    that holds more than tensors, or one whose target is there already. The pickle's sha256 stays in the metadata.
    """
    if path.suffix.lower() not in PICKLES or not path.is_file():
        raise PinError(f"{path} is no pickled checkpoint; give a file that ends in {', '.join(sorted(PICKLES))}")
    target = path.with_name(RENAMED.get(path.stem, path.stem) + ".safetensors")
    if target.exists():
        raise PinError(f"{target} is there already; remove it, or remove {path.name}")
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, zipfile.BadZipFile) as error:
        reason = str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
        raise PinError(f"{path} cannot be read as tensors alone, and nothing else is read: {reason}") from None
    metadata = {"format": "pt", "converted_from": path.name, "sha256": sha256_of(path)}
    half_written = target.with_name(f".{target.name}.part")
    save_file(_tensors(path, content), half_written, metadata=metadata)
    half_written.replace(target)
    path.unlink()
    return target


def _tensors(path: Path, content: Any) -> dict[str, Tensor]:
    """The state dict, with memory of its own for every tensor."""
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    strangers = [name for name, value in content.items() if not isinstance(value, Tensor)] if content else ["nothing"]
    if not isinstance(content, dict) or strangers:
        raise PinError(f"{path} holds no plain state dict of tensors: {', '.join(map(str, strangers[:3]))}")
    return {str(name): tensor.detach().clone().contiguous() for name, tensor in content.items()}
