"""A pack from a hub repository at one commit, kept on this machine."""

from __future__ import annotations

import json
from pathlib import Path

from platformdirs import user_cache_dir
from pydantic import ValidationError

from culturebench.hub import TOKEN_VARIABLE, Asked, fetch_repository
from culturebench.interventions.packs.files import FILES, PackError
from culturebench.params.pins import PinSource
from culturebench.pins import HUB_FILE
from culturebench.stage import secret

_ASKED = Asked("the repository's name", "`commit`", "call load_neurons")


def fetched(repo: str, commit: str, cache: Path | None = None) -> Path:
    """The folder with the pack's files; the hub is asked once a commit, the second time nobody is.

    HF_TOKEN opens what is behind a licence, HF_ENDPOINT names another hub. `PackError` for a name that is no
    `owner/name` and a commit that is not 40 hex digits, `PinError` for what the hub has not, or not as it states.
    """
    folder = (cache or Path(user_cache_dir("culturebench"))) / "neurons" / repo.replace("/", "--") / commit
    try:
        source = PinSource(folder=str(folder), repo=repo, commit=commit, files=list(FILES))
    except ValidationError as error:
        reasons = "; ".join(item["msg"].removeprefix("Value error, ") for item in error.errors())
        raise PackError(f"no pack can be named by {repo!r} and the commit {commit!r}: {reasons}") from None
    if not _is_whole(folder, repo, commit):
        fetch_repository(source, _ASKED, token=secret(TOKEN_VARIABLE), endpoint=secret("HF_ENDPOINT"))
    return folder


def _is_whole(folder: Path, repo: str, commit: str) -> bool:
    """What is fetched is checked before this file is written."""
    try:
        return json.loads((folder / HUB_FILE).read_text(encoding="utf-8")) == {"commit": commit, "repo": repo}
    except (FileNotFoundError, ValueError):
        return False
