"""Fixing folders of weights by the sha256 of every file, and refusing to load what changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from culturebench.artifacts.pins import Pin, PinnedFile, load
from culturebench.errors import CultureBenchError
from culturebench.hashes import hashed, remembered, sha256_of as sha256_of

if TYPE_CHECKING:
    from culturebench.params.pins import PinSource

#: Formats that run code when they are read.
PICKLES = frozenset({".bin", ".ckpt", ".joblib", ".pickle", ".pkl", ".pt", ".pth"})

#: What `culturebench pins fetch` leaves in a folder: the repository and commit that it holds.
HUB_FILE = ".hub.json"
#: The commit in examples, where somebody has to choose one.
NO_COMMIT = "0" * 40


class PinError(CultureBenchError):
    """A folder that cannot be pinned, or that is no longer what was pinned."""


def pin_folder(name: str, folder: Path) -> Pin:
    """The pin of every file under `folder`.

    `PinError` for a folder that is missing or empty, for a pickle, an empty file, or a link that leads out of it.
    """
    if not folder.is_dir():
        raise PinError(f"pins.{name}.folder: there is no folder {folder}; correct it in params.yaml")
    files = {file.relative_to(folder).as_posix(): _pin_file(file, folder) for file in _files(folder)}
    if not files:
        raise PinError(f"pins.{name}.folder: {folder} holds no files; put the weights there")
    return Pin(name, folder.as_posix(), files)


def pin_repository(name: str, folder: Path, repo: str, commit: str) -> Pin:
    """The pin of a folder that `culturebench pins fetch` filled; `PinError` when it holds another one or nothing."""
    way_out = f"run `culturebench pins fetch {name}`"
    licence = f"if it is behind a licence, accept that on the page huggingface.co/{repo} and set HF_TOKEN before"
    try:
        held = json.loads((folder / HUB_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PinError(f"{folder} does not hold {repo} at {commit} yet; {way_out} ({licence})") from None
    except ValueError:
        raise PinError(f"{folder / HUB_FILE} is damaged; {way_out}") from None
    if held != {"repo": repo, "commit": commit}:
        raise PinError(f"{folder} holds {held}, pins.{name} names {repo} at {commit}; {way_out}")
    return replace(pin_folder(name, folder), repo=repo, commit=commit)


def to_do(name: str, source: PinSource, root: Path) -> str:
    """What is left before a pin's weights are there, as a command where there is one; empty when nothing is."""
    folder = root / source.folder
    if source.repo is None:
        return "" if folder.is_dir() and any(_files(folder)) else f"put its files into {source.folder}"
    if source.commit == NO_COMMIT:
        return f"write its commit into params.yaml, then `culturebench pins fetch {name}` ({source.repo})"
    try:
        held = json.loads((folder / HUB_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        held = None
    if held != {"repo": source.repo, "commit": source.commit}:
        return f"`culturebench pins fetch {name}` ({source.repo})"
    pickles = [path.relative_to(root) for path in _files(folder) if path.suffix.lower() in PICKLES]
    return f"`culturebench pins convert {pickles[0]}`" if pickles else ""


def pin_path(pins: Path, name: str) -> Path:
    """Where the pin `name` lies in the folder of pins."""
    return pins / f"{name}.json"


def verified_folder(path: Path) -> Path:
    """The folder of a pin, after every one of its files was found unchanged; `PinError` otherwise."""
    return verified(load(path))


def verified(pin: Pin) -> Path:
    """As `verified_folder`, of a pin that was read already: on another machine its file may not be there.

    A large file that a stage hashed before, and that nobody has touched since, is not read again (`hashes`).
    """
    folder = Path(pin.folder)
    for name, pinned in sorted(pin.files.items()):
        _verify(folder / name, pinned, pin.name)
    return folder


def fingerprint(path: Path) -> str:
    """One sha256 (hex) of all of a pin's file names and hashes: equal exactly for equal weights, wherever they lie."""
    pin = load(path)
    lines = [f"{file.sha256} {name}" for name, file in sorted(pin.files.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    """Every file that counts: hidden ones and Python's caches do not."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_dir() and not path.is_symlink():
            continue
        if not any(part.startswith(".") or part == "__pycache__" for part in parts):
            yield path


def _pin_file(path: Path, folder: Path) -> PinnedFile:
    if not path.resolve().is_relative_to(folder.resolve()):
        raise PinError(f"{path} is a link that leads out of {folder}; put a copy of the file there")
    if not path.is_file():
        raise PinError(f"{path} is no regular file; remove it or put a copy of the file there")
    if path.suffix.lower() in PICKLES:
        raise PinError(
            f"{path} is in pickle format, which runs code when it is read; run `culturebench pins convert {path}`"
        )
    size = path.stat().st_size
    if not size:
        raise PinError(f"{path} is empty; restore or remove it")
    return PinnedFile(size, hashed(path))


def _verify(path: Path, pinned: PinnedFile, pin: str) -> None:
    way_out = f"restore the file, or run `dvc repro pin_model@{pin}`"
    if not path.is_file():
        raise PinError(f"{path} is missing; the pin {pin} holds it with sha256 {pinned.sha256}; {way_out}")
    if remembered(path) == pinned.sha256:
        return
    found = hashed(path)
    if found != pinned.sha256:
        raise PinError(f"{path} changed: the pin {pin} holds sha256 {pinned.sha256}, the file has {found}; {way_out}")
