"""One process at a time asks an endpoint the same things, so that none pays for what another one is about to know."""

from __future__ import annotations

import contextlib
import fcntl
import sys
from collections.abc import Generator, Iterable

from culturebench.chat.request import ChatRequest
from culturebench.params._endpoint import Endpoint
from culturebench.store import Store, key_of


@contextlib.contextmanager
def turn(store: Store, endpoint: Endpoint, requests: Iterable[ChatRequest]) -> Generator[None]:
    """Wait until no other process of this machine puts questions with the same instructions to the endpoint.

    Regions have instructions of their own and do not wait for each other. A killed process lets go.
    """
    name = {"base_url": endpoint.base_url, "model": endpoint.model, "system": sorted({one.system for one in requests})}
    with store.lock_file(key_of({"kind": "turn"} | name)).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another process asks {endpoint.model} the same; waiting for its replies", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
