"""An environment that holds this project's wheel and what it requires, and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution, distributions, requires
from pathlib import Path
from venv import EnvBuilder
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from import_graph import ROOT

#: What a wheel is built of, beside the package itself.
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "NOTICE")


def build_wheel(folder: Path) -> Path:
    """The wheel of this project, built from a copy so that nothing left over from earlier builds gets in."""
    copy = folder / "source"
    shutil.copytree(ROOT / "culturebench", copy / "culturebench", ignore=shutil.ignore_patterns("__pycache__"))
    for name in SOURCES:
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, copy)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(copy)], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def required(extra: str = "") -> list[Requirement]:
    """What the library requires, or one of its extras, as pyproject.toml says."""
    found = [Requirement(text) for text in requires("culturebench") or []]
    wanted = [one for one in found if one.marker is None or one.marker.evaluate({"extra": extra})]
    return [one for one in wanted if (one.marker is not None) == bool(extra)]


def closure(wanted: Iterable[Requirement]) -> dict[str, Distribution]:
    """Canonical name -> distribution of everything that is required, directly or not."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    todo = [(one, extra) for one in wanted for extra in ("", *one.extras)]
    while todo:
        requirement, extra = todo.pop()
        name = canonicalize_name(requirement.name)
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        found[name] = distribution(name)
        for text in found[name].requires or []:
            below = Requirement(text)
            if below.marker is None or below.marker.evaluate({"extra": extra}):
                todo += [(below, inner) for inner in ("", *below.extras)]
    return found


def size(found: Iterable[Distribution]) -> int:
    """Bytes of all files of the distributions."""
    return sum(path.stat().st_size for one in found for path in map(Path, _located(one)) if path.is_file())


def make(folder: Path, wheel: Path) -> Path:
    """Python of a new environment in `folder` with the wheel, and links to what it requires."""
    EnvBuilder(with_pip=False, symlinks=True).create(folder)
    (site,) = folder.glob("lib/python*/site-packages")
    light = closure(required())
    owners: dict[str, set[str]] = {}
    for one in distributions():
        for top in _tops(one):
            owners.setdefault(top, set()).add(canonicalize_name(one.name))
    for one in light.values():
        for top in _tops(one):
            if owners[top] <= light.keys():
                _link(one, Path(top), site)
                continue
            for file in one.files or []:  # a folder that others share, as google/
                if file.parts[0] == top:
                    _link(one, Path(file), site)
    with ZipFile(wheel) as archive:
        archive.extractall(site)
    return folder / "bin/python"


def _tops(one: Distribution) -> set[str]:
    tops = {file.parts[0] for file in one.files or [] if not str(file).startswith(("..", "/"))}
    return {top for top in tops if top != "__pycache__" and not top.endswith(".pth")}


def _located(one: Distribution) -> Iterator[str]:
    yield from (str(file.locate()) for file in one.files or [])


def _link(one: Distribution, path: Path, site: Path) -> None:
    target = site / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        target.symlink_to(Path(str(one.locate_file(path))).resolve())


def locked(path: Path = ROOT / "requirements.lock") -> dict[str, str]:
    """Canonical name -> version of the lock file."""
    pairs = re.findall(r"(?m)^([\w.-]+)==(\S+)", path.read_text(encoding="utf-8"))
    return {canonicalize_name(name): version for name, version in pairs}
