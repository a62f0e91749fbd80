"""Configs and weights of a folder in the hub's layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from culturebench.errors import CultureBenchError


class WeightsError(CultureBenchError):
    """Weights or a config that are missing or damaged."""


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; `WeightsError` when it is missing or none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WeightsError(f"{path} is missing; name the right `subfolder`") from None
    except ValueError:
        raise WeightsError(f"{path} is not valid JSON; download it again") from None
    if not isinstance(content, dict):
        raise WeightsError(f"{path} holds no JSON object; download it again")
    return content


def read_weights(folder: Path, prefix: str = "") -> dict[str, Tensor]:
    """Every tensor whose name starts with `prefix`, of all safetensors files in `folder`: one file or shards."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise WeightsError(
            f"{folder} holds no safetensors; convert a pickle once with `culturebench pins convert FILE`"
        )
    found: dict[str, Tensor] = {}
    for file in files:
        try:
            with safe_open(file, framework="pt") as opened:
                found |= {name: opened.get_tensor(name) for name in opened.keys() if name.startswith(prefix)}  # noqa: SIM118
        except SafetensorError as error:
            raise WeightsError(f"{file} is damaged: {error}; download it again") from None
    return found
