"""`culturebench neurons`: culture neurons on their own, for other people's pipelines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from culturebench.cli._clone import CloneCommand
from culturebench.cli._shared import ROOT, say

if TYPE_CHECKING:
    from culturebench.interventions.packs.export import Wish

app = typer.Typer(help="Culture neurons on their own, for other people's pipelines.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps `export` a command of its own."""


@app.command(cls=CloneCommand)
def export(
    model: Annotated[str, typer.Argument(help="Key of `models` in params.yaml.")],
    folder: Annotated[Path, typer.Argument(help="Gets three files; `load_neurons` and the hub take it as it is.")],
    tower: Annotated[str | None, typer.Option(help="Of `encoders`; by default the one that edits act on.")] = None,
    licence: Annotated[str | None, typer.Option(help="SPDX id, such as CC-BY-4.0; the atlas needs none.")] = None,
    precision: Annotated[
        Literal["auto", "float32", "float16"], typer.Option(help="Of the rows; auto: float32 if 5 MB suffice.")
    ] = "auto",
) -> None:
    """Write a model's culture neurons as a small folder: their rows of the autoencoder, config.json, a model card."""
    from culturebench.interventions.packs import files
    from culturebench.interventions.packs.export import gather

    pack = gather(ROOT, _wish(model, tower, licence, None if precision == "auto" else precision))
    size = files.save(pack, folder)
    config = pack.config
    say(
        f"{folder}: {config.rows} neurons of {len(config.regions)} regions, layer index {config.layer} of "
        f"{config.made_for.name}, in {config.precision}: {size / 1e6:.2f} MB under {config.licence}"
    )


def _wish(name: str, named: str | None, licence: str | None, precision: Any) -> Wish:
    from culturebench.interventions.packs.export import Wish, edited_tower, licence_of, tower_of
    from culturebench.params import choose, load_document, load_section
    from culturebench.params.encoders import Encoders
    from culturebench.params.evaluate import Evaluate
    from culturebench.params.models import Models
    from culturebench.params.select_neurons import SelectNeurons

    document = load_document(ROOT / "params.yaml")
    model = choose(load_section(Models, document), name)
    tower = tower_of(name, model, named)
    encoder = choose(load_section(Encoders, document), tower)
    return Wish(
        model=name,
        tower=tower,
        encoder=encoder,
        selector=load_section(SelectNeurons, document).of(tower).selector,
        edited=tower == edited_tower(model),
        licence=licence_of(encoder, licence),
        level=load_section(Evaluate, document).level,
        precision=precision,
    )
