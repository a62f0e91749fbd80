"""Which Label Studio is meant: the one that the environment names, else the one of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_data_dir

from culturebench.label_studio import local
from culturebench.label_studio.client import LabelStudioError, Server
from culturebench.label_studio.pictures import Place, Served, Uploaded

#: A server of one's own; without them the local one is meant.
URL, TOKEN = "LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY"
#: Where the local server keeps its data; by default in the user's data directory.
HOME = "CULTUREBENCH_LABEL_STUDIO"


def connect(environment: Mapping[str, str]) -> tuple[Server, Place]:
    """The server, and how pictures get there. Raises `LabelStudioError` when there is none to reach."""
    url = environment.get(URL)
    if url:
        token = environment.get(TOKEN)
        if not token:
            raise LabelStudioError(f"{URL} is set and {TOKEN} is not; a token is on the server's page for your account")
        server = Server(url, token)
        return server, Uploaded(server)
    home = local_home(environment)
    entry = local.credentials(home)
    if entry is None or not local.running(home):
        raise LabelStudioError(f"no Label Studio: run `culturebench annotate up`, or set {URL} and {TOKEN}")
    server = Server(entry.url, entry.token)
    return server, Served(server, Path(entry.files))


def local_home(environment: Mapping[str, str]) -> Path:
    """The folder of the local server's data and credentials."""
    return Path(environment.get(HOME) or Path(user_data_dir("culturebench")) / "label-studio")
