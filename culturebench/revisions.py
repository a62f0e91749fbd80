"""Newer weights than a pin's: found where the pin follows, proposed, and accepted by a person."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from culturebench import hub
from culturebench.artifacts import pins
from culturebench.checks import problems
from culturebench.params import choose, load_document, load_section
from culturebench.params.pins import Pins, PinSource
from culturebench.pins import PinError, pin_folder, verified

#: The proposed pin, as pin_model writes it, and what it would change.
PATH = "reports/drift/{pin}.json"
REPORT = "reports/drift/{pin}.md"
PARAMS = "params.yaml"


@dataclass(frozen=True)
class Revision:
    """Other weights for a pin: `pins.<pin>.<key>` is `accepted` and would be `proposed`."""

    pin: str
    key: str  # commit, of a repository's pin, or folder
    accepted: str
    proposed: str


def newer(
    root: Path, pin: str, source: PinSource, *, token: str | None = None, endpoint: str | None = None
) -> Revision | None:
    """What the pin follows, when that is something else than it holds: another commit, or a folder of other files.

    `PinError` when the hub does not answer, and for a folder that cannot be pinned.
    """
    if source.follow is None:
        return None
    if source.repo and source.commit:
        found = hub.newest(pin, source, token=token, endpoint=endpoint)
        return Revision(pin, "commit", source.commit, found) if found != source.commit else None
    if not (root / source.follow).is_dir():
        raise PinError(f"there is nothing in {source.follow} yet, which pins.{pin}.follow names")
    held, followed = (pin_folder(pin, root / folder).files for folder in (source.folder, source.follow))
    return Revision(pin, "folder", source.folder, source.follow) if held != followed else None


def waiting(root: Path, revision: Revision) -> bool:
    """Whether the revision was proposed before, with the same weights."""
    path = root / PATH.format(pin=revision.pin)
    if not path.is_file():
        return False
    proposed = pins.load(path)
    if revision.key == "commit":
        return proposed.commit == revision.proposed
    return proposed.files == pin_folder(revision.pin, root / revision.proposed).files


def accept(root: Path, name: str) -> str:
    """Put the proposed pin `name` into params.yaml, whose other characters stay as they are; says what follows.

    `PinError` without a proposal, and when the proposed weights are no longer those that were looked at.
    """
    path = root / PATH.format(pin=name)
    if not path.is_file():
        others = ", ".join(sorted(entry.stem for entry in path.parent.glob("*.json"))) or "none"
        raise PinError(f"no revision of the pin {name!r} waits for acceptance; waiting: {others}")
    source = choose(load_section(Pins, load_document(root / PARAMS)), name)
    proposed = pins.load(path)
    if proposed.repo != source.repo:
        raise PinError(f"pins.{name} names another source than the proposal; run the flow reprobe again")
    if proposed.commit:
        _write(root, name, "commit", proposed.commit)
        say = f"params.yaml now names {proposed.commit}; run `culturebench pins fetch {name}`, then `make repro`"
    else:
        verified(pins.Pin(name, str(root / proposed.folder), proposed.files))
        _write(root, name, "folder", proposed.folder)
        say = f"params.yaml now names {proposed.folder}; `culturebench status` tells what follows"
    path.unlink()
    return say


def _write(root: Path, name: str, key: str, value: str) -> None:
    """Replace one value in the text of params.yaml."""
    path = root / PARAMS
    text = path.read_text(encoding="utf-8")
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for wanted in ("pins", name, key):
        node = next(child for label, child in node.value if label.value == wanted)
    quoted = yaml.safe_dump(value, width=10_000).removesuffix("\n").removesuffix("\n...")
    _replace(path, text[: node.start_mark.index] + quoted + text[node.end_mark.index :])
    if wrong := problems(root):
        _replace(path, text)
        raise PinError(f"pins.{name}.{key}: {value!r} does not fit: " + "; ".join(wrong))


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
