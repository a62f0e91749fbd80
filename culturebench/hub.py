"""Weights from a hub repository at one commit, every large file held to the hash that the hub states."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import httpx2
from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

from culturebench.pins import HUB_FILE, PinError, sha256_of

if TYPE_CHECKING:
    from culturebench.params.pins import PinSource

TOKEN_VARIABLE = "HF_TOKEN"
T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    """What somebody asked for, in the words of errors: where the repository and its commit are named, what to do."""

    repo: str
    commit: str
    again: str


def of_pin(name: str) -> Asked:
    """A pin of params.yaml."""
    return Asked(f"pins.{name}.repo", f"pins.{name}.commit", f"run `culturebench pins fetch {name}`")


def fetch(name: str, source: PinSource, *, token: str | None = None, endpoint: str | None = None) -> Path:
    """As `fetch_repository` for a pin of params.yaml; `PinError` also for one of a folder of your own."""
    if source.repo is None:
        raise PinError(f"pins.{name} names no `repo`; there is nothing to download for a folder of your own")
    return fetch_repository(source, of_pin(name), token=token, endpoint=endpoint)


def fetch_repository(source: PinSource, asked: Asked, *, token: str | None = None, endpoint: str | None = None) -> Path:
    """Download a repository's files into the folder, and check them; what is there already is not downloaded again.

    `PinError` for a licence that was not accepted, a repository or commit that does not exist, a hub that cannot be
    reached, and a file whose sha256 is not the hub's.
    """
    repo, commit = source.repo, source.commit
    assert repo is not None and commit is not None
    api = HfApi(endpoint=endpoint, token=token or False)
    folder = Path(source.folder)
    stated = _asking(asked, repo, lambda: _hashes(api, repo, commit))
    _asking(
        asked,
        repo,
        lambda: api.snapshot_download(
            repo, revision=commit, local_dir=folder, allow_patterns=list(source.files) or None
        ),
    )
    _check(asked, folder, stated)
    record = {"commit": commit, "repo": repo}
    (folder / HUB_FILE).write_text(json.dumps(record, sort_keys=True) + "\n", encoding="utf-8")
    return folder


def newest(name: str, source: PinSource, *, token: str | None = None, endpoint: str | None = None) -> str:
    """The commit (40 hex digits) at which the branch stands that the pin of a repository follows; `PinError`."""
    repo, branch = source.repo, source.follow
    assert repo is not None and branch is not None
    api = HfApi(endpoint=endpoint, token=token or False)

    def ask() -> str:
        try:
            return str(api.model_info(repo, revision=branch).sha)
        except RevisionNotFoundError:
            raise PinError(f"{repo} has no branch {branch!r}; correct pins.{name}.follow") from None

    return _asking(of_pin(name), repo, ask)


def _hashes(api: HfApi, repo: str, commit: str) -> dict[str, str]:
    """The sha256 that the hub states, by file; small files have none."""
    siblings: Any = api.model_info(repo, revision=commit, files_metadata=True).siblings or []
    return {file.rfilename: file.lfs.sha256 for file in siblings if file.lfs}


def _check(asked: Asked, folder: Path, stated: Mapping[str, str]) -> None:
    for file, wanted in sorted(stated.items()):
        path = folder / file
        if path.is_file() and (found := sha256_of(path)) != wanted:
            path.unlink()
            raise PinError(f"{path} has sha256 {found}, the hub states {wanted}; it was removed: {asked.again} again")


def _asking(asked: Asked, repo: str, ask: Callable[[], T]) -> T:
    again = asked.again
    try:
        return ask()
    except GatedRepoError:
        raise PinError(
            f"{repo} is behind a licence: accept it on the page huggingface.co/{repo}, put a token of that account "
            f"into the environment variable {TOKEN_VARIABLE}, and {again}"
        ) from None
    except RevisionNotFoundError:
        raise PinError(f"{repo} has no such commit as {asked.commit}; correct it, and {again}") from None
    except RepositoryNotFoundError:
        raise PinError(
            f"{repo} does not exist, or {TOKEN_VARIABLE} may not see it; correct {asked.repo}, or accept its "
            f"licence on the page huggingface.co/{repo} and set {TOKEN_VARIABLE}; then {again}"
        ) from None
    except (HfHubHTTPError, httpx2.HTTPError, OSError) as error:
        raise PinError(
            f"{repo} cannot be downloaded ({type(error).__name__}); look at the network, and {again}"
        ) from None
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise PinError(
            f"what answers for {repo} is no hub's reply ({type(error).__name__}); look at HF_ENDPOINT and at what "
            f"stands between here and the hub, and {again}"
        ) from None
