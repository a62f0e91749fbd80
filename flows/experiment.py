"""A run with other params leaves the workspace as it is: a checkout for a while, a DVC experiment at the end."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from ruamel.yaml import YAML

from culturebench.checks import problems
from culturebench.errors import CultureBenchError
from culturebench.params import load_document, load_section
from culturebench.params.pins import Pins
from flows import dvc

PLACE, PREFIX = Path(".dvc/tmp"), "experiment-"
#: Keys of params.yaml that name code to run, a key to send, or the server that it is sent to.
GUARDED = frozenset({"use", "command", "key_variable", "base_url", "url", "commons_url", "endpoint"})


class ExperimentError(CultureBenchError):
    """An override that params.yaml does not allow, or a workspace from which no experiment can start."""


@contextmanager
def checkout(root: Path, overrides: Mapping[str, Any]) -> Generator[Path]:
    """A copy of the workspace as it is now, with `overrides` (dotted key -> value) in its params, gone after the block.

    It shares DVC's cache, so nothing that was computed is computed again, and the weights that pins name. Raises
    `ExperimentError`, before any work, for overrides that the params' own types refuse.
    """
    root = root.resolve()
    (root / PLACE).mkdir(parents=True, exist_ok=True)
    _remove_those_of_the_dead(root / PLACE)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=root / PLACE) as folder, _held(Path(folder)):
        copy = Path(folder)
        _clone(root, copy)
        override(copy, overrides)
        for source in load_section(Pins, load_document(copy / "params.yaml")).root.values():
            bring(root, copy, source.folder)
        dvc.share_cache(root, copy)
        yield copy


@contextmanager
def _held(folder: Path) -> Generator[None]:
    """A lock on the folder that ends with this process, however it ends; `BlockingIOError` where another has it."""
    number = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(number)


def _remove_those_of_the_dead(place: Path) -> None:
    """A killed run leaves its copy behind, and nobody holds it any more."""
    for folder in place.glob(f"{PREFIX}*"):
        with suppress(BlockingIOError, FileNotFoundError), _held(folder):
            shutil.rmtree(folder, ignore_errors=True)


def refuse_unsafe(root: Path, overrides: Mapping[str, Any]) -> None:
    """`ExperimentError` for an override that names code, a key, a server, or a path outside of the workspace.

    Whoever may start a run chooses numbers and names; what runs and where keys go is decided in params.yaml.
    """
    for key, value in overrides.items():
        for name in key.split("."):
            _refuse_guarded(key, name)
        _refuse_inside(root.resolve(), key, value)


def _refuse_guarded(key: str, name: str) -> None:
    if name in GUARDED:
        raise ExperimentError(f"override {key!r}: {name} can be changed in params.yaml alone, not for one run")


def _refuse_inside(root: Path, key: str, value: Any) -> None:
    if isinstance(value, Mapping):
        for name, entry in cast(Mapping[Any, Any], value).items():
            _refuse_guarded(f"{key}.{name}", str(name))
            _refuse_inside(root, f"{key}.{name}", entry)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for entry in cast(Sequence[Any], value):
            _refuse_inside(root, key, entry)
    elif isinstance(value, str) and _leads_out(root, value):
        raise ExperimentError(f"override {key!r}: {value!r} is outside of the project's folder")


def _leads_out(root: Path, value: str) -> bool:
    """Whether the text, read as a path, leads out of the workspace; prompts and names do not look like that."""
    path = Path(value)
    if value.startswith(("~", "file:")) or path.is_absolute() or ".." in path.parts:
        return True
    try:
        return not (root / path).resolve().is_relative_to(root)  # a link may lead anywhere
    except (OSError, ValueError):
        return False  # too long for a path, or with a zero in it


def bring(root: Path, copy: Path, folder: str) -> None:
    """Weights that Git ignores are not in the checkout: a link to them is, which `keep` leaves out."""
    if (root / folder).exists() and not (copy / folder).exists():
        (copy / folder).parent.mkdir(parents=True, exist_ok=True)
        (copy / folder).symlink_to((root / folder).resolve(), target_is_directory=True)
        with (copy / ".git/info/exclude").open("a", encoding="utf-8") as file:
            file.write(f"/{folder}\n")


def override(root: Path, overrides: Mapping[str, Any]) -> None:
    """Write the values into params.yaml, comments kept; `ExperimentError` for a key or value that is not allowed."""
    path = root / "params.yaml"
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 120
    document = yaml.load(path.read_text(encoding="utf-8"))
    for key, value in overrides.items():
        *parents, last = key.split(".")
        section = document
        for name in parents:
            section = section.get(name) if isinstance(section, dict) else None
        if not isinstance(section, dict):
            raise ExperimentError(f"override {key!r}: params.yaml has no {'.'.join(parents)}")
        section[last] = value
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(document, file)
    if wrong := problems(root):
        raise ExperimentError("the overrides do not fit: " + "; ".join(wrong))


def keep(root: Path, copy: Path, name: str) -> str:
    """Make what the checkout has computed the DVC experiment `name` of the workspace's commit; returns its commit."""
    baseline = _git(root, "rev-parse", "HEAD")
    _git(copy, "add", "--all")
    tree = _git(copy, "write-tree")
    commit = _git(copy, *_AUTHOR, "commit-tree", tree, "-p", baseline, "-m", f"dvc: experiment {name}")
    # Where DVC looks for the experiments of a commit.
    _git(root, "fetch", "--quiet", str(copy), f"{commit}:refs/exps/{baseline[:2]}/{baseline[2:]}/{name}")
    return commit


_AUTHOR = ("-c", "user.name=culturebench", "-c", "user.email=culturebench@localhost")


def _clone(root: Path, copy: Path) -> None:
    """The last commit, and over it whatever is new, changed or gone in the working tree and not ignored."""
    if not _git(root, "rev-list", "--max-count=1", "--all"):
        raise ExperimentError(f"{root} has no commit yet; an experiment starts from one: git add --all && git commit")
    _git(root, "clone", "--quiet", "--shared", str(root), str(copy))
    _git(copy, "-c", "advice.detachedHead=false", "checkout", "--quiet", _git(root, "rev-parse", "HEAD"))
    listed = _git(root, "ls-files", "--modified", "--others", "--exclude-standard", "-z")
    for name in filter(None, listed.split("\0")):
        source, target = root / name, copy / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
        else:
            target.unlink(missing_ok=True)


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ExperimentError(f"`git {arguments[0]}` failed: {done.stderr.strip()}")
    return done.stdout.strip()
