"""`culturebench sae`: the trained autoencoders for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from culturebench.cli._clone import CloneCommand
from culturebench.cli._shared import ROOT, say

app = typer.Typer(help="The trained autoencoders for other tools.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps `export` a command of its own."""


@app.command(cls=CloneCommand)
def export(
    encoder: Annotated[str, typer.Argument(help="Key of `encoders` in params.yaml.")],
    folder: Annotated[Path, typer.Argument(help="Gets one folder per seed, for `SAE.load_from_disk` of SAELens.")],
) -> None:
    """Write an encoder's autoencoders as SAELens reads them; sparsify reads those in models/sae as they are."""
    from culturebench.artifacts import sae
    from culturebench.artifacts.layer_probe import LAYER_PATH, load_layer
    from culturebench.probing import saelens
    from culturebench.probing.sae import load

    source = ROOT / sae.PATH.format(encoder=encoder)
    layer = int(load_layer(ROOT / LAYER_PATH.format(encoder=encoder))["layer"])
    for seed in sae.seeds(source):
        target = sae.seed_folder(folder, seed)
        saelens.export(load(sae.seed_folder(source, seed)), target, encoder, layer)
        say(f"{target}: seed {seed}, layer index {layer} of {encoder}")
