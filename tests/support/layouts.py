"""Folders of tiny random weights in the layout of published checkpoints, made from the manifests in tests/layouts.

A manifest holds the published file names, configs, tensor names and shapes; `{0-9}` and `{0,2}` in a name stand for
numbers. `sizes` says which length each published length shrinks to, `keep` how many of the numbered blocks stay, and
`scaled` what the config then says instead. `published` weights have the published sizes, in bfloat16.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

import tiny_tokenizers

FOLDER = Path(__file__).resolve().parents[1] / "layouts"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
#: Tables of which a row is looked up: nothing is summed over, so their values are of size 1.
LOOKED_UP = re.compile(r"(position|token|word)\w*_embeddings?\.|pos_embed\.pos_embed|^shared\.")


@cache
def manifest(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def write(
    name: str, folder: Path, seed: int = 0, *, published: bool = False, parts: Sequence[str] | None = None
) -> Path:
    """The layout `name` under `folder`, or of its folders the `parts` alone."""
    for number, (part, described) in enumerate(sorted(manifest(name)["folders"].items())):
        if parts is None or part in parts:
            write_one = write_published if published and "tensors" in described else write_part
            write_one(folder / part, described, seed + number)
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


def write_published(folder: Path, described: dict[str, Any], seed: int) -> None:
    """In the published sizes, drawn by all cores at once; no more than one file's tensors are in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(described["config"], indent=2))
    shapes = published_shapes(described)
    shards = _shards(described["files"], shapes)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for file, names in shards.items():
            drawn = pool.map(lambda name: _drawn(name, shapes[name], seed), names)
            save_file(dict(zip(names, drawn, strict=True)), folder / file, metadata={"format": "pt"})
    total = 2 * sum(int(np.prod(shape)) for shape in shapes.values())
    _save_index(folder, shards, total)


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
    return noise * (1.0 if "embed" in name else _fan_in(shape) ** -0.5)


def _drawn(name: str, shape: list[int], seed: int) -> Tensor:
    """Of a generator of its own, so that any thread may draw it; what goes through many layers keeps its size."""
    if name.endswith("position_ids"):
        return torch.arange(shape[-1]).expand(shape).contiguous()
    generator = np.random.Generator(np.random.SFC64([seed, zlib.crc32(name.encode())]))
    count = int(np.prod(shape))
    bits = generator.integers(0, 2**64, size=-(-count // 4), dtype=np.uint64).view(np.uint16)[:count]
    bits &= 0x807F  # sign and mantissa of a bfloat16
    bits |= 0x3F80  # the exponent of 1: billions of normal deviates would take minutes
    noise = torch.from_numpy(bits.view(np.int16)).view(torch.bfloat16).mul_((7 / 3) ** -0.5).view(shape)
    if name.endswith("weight") and len(shape) == 1:
        return noise.mul_(0.1).add_(1)
    return noise if LOOKED_UP.search(name) else noise.mul_(_fan_in(shape) ** -0.5)


def _fan_in(shape: list[int]) -> float:
    """Terms of a sum that a weight of this shape is in; a bias is a tenth."""
    return float(np.prod(shape[1:])) if len(shape) > 1 else 100.0


def _save(folder: Path, files: list[str], tensors: dict[str, Tensor]) -> None:
    if files[0].endswith(".bin"):
        torch.save(tensors, folder / files[0])
        return
    shards = _shards(files, tensors)
    for file, chosen in shards.items():
        save_file({name: tensors[name] for name in chosen}, folder / file, metadata={"format": "pt"})
    _save_index(folder, shards, sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()))


def _shards(files: list[str], names: Iterable[str]) -> dict[str, list[str]]:
    """The names in order, as many in each file."""
    ordered = sorted(names)
    share = -(-len(ordered) // len(files))
    starts = range(0, len(ordered), share)
    return {file: ordered[start : start + share] for file, start in zip(files, starts, strict=True)}


def _save_index(folder: Path, shards: dict[str, list[str]], total: int) -> None:
    """What says in which of several files a tensor is."""
    if len(shards) > 1:
        index = re.sub(r"-00001-of-\d+", "", next(iter(shards))) + ".index.json"
        found = {name: file for file, chosen in shards.items() for name in chosen}
        (folder / index).write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": found}, indent=2))
