"""`culturebench pins`: weights from the hub, newer ones taken over, and pickles made safe."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from culturebench.cli._clone import CloneCommand
from culturebench.cli._shared import ROOT, say

app = typer.Typer(help="Weights from the hub, newer ones taken over, and pickles made safe.", no_args_is_help=True)


@app.command(cls=CloneCommand)
def fetch(name: Annotated[str, typer.Argument(help="Key of `pins` in params.yaml.")]) -> None:
    """Download the weights of a pin from the hub, at its commit; HF_TOKEN opens what is behind a licence."""
    from culturebench.hub import TOKEN_VARIABLE, fetch as fetch_pin
    from culturebench.params import choose, load_document, load_section
    from culturebench.params.pins import Pins

    source = choose(load_section(Pins, load_document(ROOT / "params.yaml")), name)
    folder = fetch_pin(name, source, token=os.environ.get(TOKEN_VARIABLE), endpoint=os.environ.get("HF_ENDPOINT"))
    say(f"{name} is in {folder}; `dvc repro pin_model@{name}` fixes its files by their hashes")


@app.command()
def convert(file: Annotated[Path, typer.Argument(help="A checkpoint such as pytorch_model.bin.")]) -> None:
    """Turn a pickled checkpoint into safetensors, reading tensors alone, and remove the pickle."""
    from culturebench.pickles import convert as convert_pickle

    say(f"{file} is now {convert_pickle(file)}")


@app.command(cls=CloneCommand)
def accept(name: Annotated[str, typer.Argument(help="Key of `pins` in params.yaml.")]) -> None:
    """Put the revision that the flow reprobe proposed for a pin into params.yaml."""
    from culturebench.revisions import accept as accept_pin

    say(accept_pin(ROOT, name))
