"""What a run leaves for others: outputs in DVC's remote, and files on a Git branch that nobody has checked out."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from culturebench.errors import CultureBenchError
from flows import dvc

BRANCH = "results"
#: Metrics lie there on the branch: under their own names DVC keeps them, and Git must not.
FOLDER = "published"
METRICS = Path("reports/metrics")
AUTHOR = {"GIT_AUTHOR_NAME": "culturebench", "GIT_AUTHOR_EMAIL": "culturebench@localhost"}
COMMITTER = {"GIT_COMMITTER_NAME": "culturebench", "GIT_COMMITTER_EMAIL": "culturebench@localhost"}


class PublishError(CultureBenchError):
    """Results that could not be handed on."""


def publish(root: Path, on_line: Callable[[str], None]) -> str:
    """`dvc push`, then params, dvc.lock and the metrics on the branch; returns its commit."""
    dvc.push(root=root, on_line=on_line)
    files = {name: root / name for name in ("dvc.lock", "params.yaml")}
    files |= {f"{FOLDER}/{path.name}": path for path in sorted((root / METRICS).glob("*.json"))}
    return commit_to_branch(root, BRANCH, files, "Results of a run of the pipeline")


def commit_to_branch(root: Path, branch: str, files: Mapping[str, Path], message: str) -> str:
    """Commit `files` (path in the tree -> file) on top of `branch`, or of HEAD when it is new; returns the commit.

    Neither the working tree nor its index changes. The branch goes to the remote `origin` when there is one. Files
    that are the same already make no commit. Raises `PublishError`.
    """
    ref = f"refs/heads/{branch}"
    if _git(root, "symbolic-ref", "--quiet", "HEAD", accept=(0, 1)) == ref:
        raise PublishError(f"the branch {branch} is checked out here; switch to another one")
    parent = _git(root, "rev-parse", "--verify", "--quiet", ref, accept=(0, 1)) or _git(root, "rev-parse", "HEAD")
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        _git(root, "read-tree", parent, extra=index)
        for name, path in files.items():
            blob = _git(root, "hash-object", "-w", "--", str(path.resolve()))
            _git(root, "update-index", "--add", "--cacheinfo", f"100644,{blob},{name}", extra=index)
        tree = _git(root, "write-tree", extra=index)
    if tree == _git(root, "rev-parse", f"{parent}^{{tree}}"):
        return parent
    commit = _git(root, "commit-tree", tree, "-p", parent, "-m", message, extra=AUTHOR | COMMITTER)
    _git(root, "update-ref", ref, commit)
    if "origin" in _git(root, "remote").split():
        _git(root, "push", "--quiet", "origin", f"{ref}:{ref}")
    return commit


def _git(root: Path, *arguments: str, extra: Mapping[str, str] | None = None, accept: tuple[int, ...] = (0,)) -> str:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", **(extra or {})}
    done = subprocess.run(["git", *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in accept:
        raise PublishError(f"`git {arguments[0]}` failed: {done.stderr.strip()}")
    return done.stdout.strip()
