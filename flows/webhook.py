"""Waits for Label Studio's webhooks and has the annotations synchronised: `python -m flows.webhook`.

A webhook is a hint with a shared secret. Nothing else of it is believed: the flow asks the server itself.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from prefect.deployments import run_deployment

from culturebench.errors import CultureBenchError
from culturebench.label_studio import region as work
from culturebench.label_studio.connect import connect
from culturebench.label_studio.webhook import HEADER, listen
from culturebench.params import load_document

#: The environment variable with the secret that a webhook must bear.
SECRET = "CULTUREBENCH_WEBHOOK_SECRET"
DEPLOYMENT = "sync_annotations/sync_annotations"
#: Seconds from a hint to the run, so that a burst of answers becomes one.
QUIET = 60.0


def main() -> None:
    """Register the webhook with every region's project, then listen until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m flows.webhook", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--public", help="address under which Label Studio reaches this listener, if it is another")
    parser.add_argument("--quiet", type=float, default=QUIET, help="seconds from a hint to the run")
    options = parser.parse_args()
    secret = os.environ.get(SECRET)
    if not secret:
        sys.exit(f"set {SECRET} to a secret of 16 characters or more; Label Studio sends it in {HEADER}")
    hinted = threading.Event()
    try:
        with listen(secret, hinted.set, options.host, options.port) as address:
            projects = _register(options.public or address, secret)
            print(f"Listening at {address} for {projects} projects.", flush=True)
            run_after_hints(hinted, options.quiet, _synchronise)
    except CultureBenchError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        pass


def run_after_hints(
    hinted: threading.Event, quiet: float, run: Callable[[], object], rounds: int | None = None
) -> None:
    """Call `run` once for all hints of `quiet` seconds; for ever, or that many times."""
    while rounds is None or rounds > 0:
        hinted.wait()
        time.sleep(quiet)
        hinted.clear()  # a hint from here on may be about what the run no longer sees
        run()
        rounds = None if rounds is None else rounds - 1


def _synchronise() -> None:
    try:
        run_deployment(DEPLOYMENT, timeout=0)
    except Exception as error:  # the next hint, or the schedule, tries again
        print(f"Prefect did not take the run: {type(error).__name__}", file=sys.stderr, flush=True)


def _register(address: str, secret: str) -> int:
    server, _ = connect(os.environ)
    titles = [work.title(code, kind) for code in load_document(Path("params.yaml"))["regions"] for kind in work.KINDS]
    projects = [number for title in titles if (number := server.project(title)) is not None]
    for number in projects:
        server.notify(number, address, {HEADER: secret})
    return len(projects)


if __name__ == "__main__":
    main()
