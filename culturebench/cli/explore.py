"""`culturebench explore`: a page on which a person sees what the neurons do."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from culturebench.cli._shared import say
from culturebench.errors import CultureBenchError

#: Gradio and the hub's client tell their makers nothing.
SILENT = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "1"}


def explore(
    model: Annotated[str | None, typer.Argument(help="Key of `models` in params.yaml; by default the first.")] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; on another than loopback the link holds a random token.")
    ] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="By default any that is free.")] = None,
) -> None:
    """Open a page: a prompt, a region, a slider, and pictures side by side; it needs what `make repro` makes."""
    os.environ.update(SILENT)
    from culturebench.explore.serving import serve
    from culturebench.explore.studio import open_studio
    from culturebench.params import load_document, load_section
    from culturebench.params.models import Models

    names = list(load_section(Models, load_document()).root)
    if not names:
        raise CultureBenchError("params.yaml names no model under `models`, so there is nothing to explore")
    studio = open_studio(model or names[0])
    serve(studio, host, port, say)
