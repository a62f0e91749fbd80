"""Folders of tiny random weights in the layout of published checkpoints, made from the manifests in tests/layouts.

A manifest holds the published file names, configs, tensor names and shapes; `{0-9}` and `{0,2}` in a name stand for
numbers. `sizes` says which length each published length shrinks to, `keep` how many of the numbered blocks stay, and
`scaled` what the config then says instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

import tiny_tokenizers

FOLDER = Path(__file__).resolve().parents[1] / "layouts"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


@cache
def manifest(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def write(name: str, folder: Path, seed: int = 0) -> Path:
    """The whole layout `name` under `folder`."""
    for number, (part, described) in enumerate(sorted(manifest(name)["folders"].items())):
        write_part(folder / part, described, seed + number)
    for path, content in manifest(name)["files"].items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(content, indent=2))
    return folder


def write_part(folder: Path, described: dict[str, Any], seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if "tokenizer" in described:
        settings = {key: value for key, value in described.items() if key != "tokenizer"}
        getattr(tiny_tokenizers, described["tokenizer"])(folder, **settings)
        return
    if "config" in described:
        config = {**described["config"], **described["scaled"]}
        (folder / "config.json").write_text(json.dumps(config, indent=2))
    generator = torch.Generator().manual_seed(seed)
    shapes = scaled_shapes(described)
    tensors = {name: _random(name, shape, generator) for name, shape in sorted(shapes.items())}
    _save(folder, described["files"], tensors)


def published_shapes(described: dict[str, Any]) -> dict[str, list[int]]:
    """Every tensor of the published file with its shape."""
    return {name: shape for pattern, shape in described["tensors"].items() for name in _names(pattern)}


def scaled_shapes(described: dict[str, Any]) -> dict[str, list[int]]:
    """The tensors that stay, with the shapes that they shrink to."""
    sizes = {int(length): scaled for length, scaled in described["sizes"].items()}
    return {
        name: [sizes.get(length, length) for length in shape]
        for name, shape in published_shapes(described).items()
        if all(int(index) < described["keep"].get(block, int(index) + 1) for block, index in _numbers(name))
    }


def _numbers(name: str) -> list[tuple[str, str]]:
    return re.findall(r"(\w+)\.(\d+)(?=\.|$)", name)


def _names(pattern: str) -> Iterator[str]:
    parts = re.split(r"\{([^}]*)\}", pattern)
    choices = [list(_indices(part)) for part in parts[1::2]]
    for chosen in product(*choices):
        numbers = [*map(str, chosen), ""]
        yield "".join(text + number for text, number in zip(parts[::2], numbers, strict=True))


def _indices(text: str) -> Iterator[int]:
    if "-" in text:
        first, last = map(int, text.split("-"))
        yield from range(first, last + 1)
    else:
        yield from map(int, text.split(","))


def _random(name: str, shape: list[int], generator: torch.Generator) -> Tensor:
    if name.endswith("position_ids"):
        return torch.arange(shape[-1]).expand(shape).contiguous()
    noise = torch.randn(shape, generator=generator)
    if name.endswith("weight") and len(shape) == 1:
        return 1 + 0.1 * noise  # of a norm
    fan_in = torch.tensor(shape[1:]).prod().item() if len(shape) > 1 else 100
    return noise * (1.0 if "embed" in name else fan_in**-0.5)


def _save(folder: Path, files: list[str], tensors: dict[str, Tensor]) -> None:
    if files[0].endswith(".bin"):
        torch.save(tensors, folder / files[0])
        return
    names = sorted(tensors)
    share = -(-len(names) // len(files))
    shards = {
        file: names[start : start + share] for file, start in zip(files, range(0, len(names), share), strict=True)
    }
    for file, chosen in shards.items():
        save_file({name: tensors[name] for name in chosen}, folder / file, metadata={"format": "pt"})
    if len(files) > 1:
        index = re.sub(r"-00001-of-\d+", "", files[0]) + ".index.json"
        total = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
        found = {name: file for file, chosen in shards.items() for name in chosen}
        (folder / index).write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": found}, indent=2))
