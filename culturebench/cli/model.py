"""`culturebench model`: published models, put into params.yaml and taken out again."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from culturebench.cli._clone import CloneCommand
from culturebench.cli._shared import ROOT, cell, console, say

app = typer.Typer(help="Published models: put into params.yaml, and taken out again.", no_args_is_help=True)


@app.command("list", cls=CloneCommand)
def list_models() -> None:
    """Show the models of params.yaml and of examples/models, and whether their weights are there."""
    from culturebench.params import load_document
    from culturebench.switching.add import added, examples

    document, known, ours = load_document(ROOT / "params.yaml"), examples(ROOT), added(ROOT)
    here = document.get("models", {})
    table = Table("model", "adapter", "in params.yaml", "weights", box=None, pad_edge=False)
    for name in [*here, *(name for name in known if name not in here)]:
        entries = document if name in here else load_document(known[name])
        entry = entries["models"].get(name, {})
        pins = {**document["pins"], **entries["pins"]}
        folder = ROOT / pins[entry["pin"]]["folder"] if entry else None
        table.add_row(
            cell(name), cell(entry.get("adapter", "")), "added" if name in ours else "yes" if name in here else "",
            "there" if folder and folder.is_dir() and any(folder.iterdir()) else "",
        )  # fmt: skip
    console.print(table)


@app.command("add", cls=CloneCommand)
def add_model(
    name: Annotated[str, typer.Argument(help="Of examples/models, such as sdxl.")],
    commit: Annotated[
        list[str] | None, typer.Option(help="Full commit of the model's repository; of another pin: PIN=COMMIT.")
    ] = None,
    beside: Annotated[bool, typer.Option("--beside", help="What is in params.yaml stays.")] = False,
) -> None:
    """Put a model's weights, encoders, judge and measures into params.yaml, and where it is the paper's its numbers."""
    from culturebench.switching.add import UNDO, add

    commits = {pin: value for pin, _, value in (("=" + one).rpartition("=") for one in commit or [])}
    done = add(ROOT, name, {pin.removeprefix("="): value for pin, value in commits.items()}, beside=beside)
    for line in done.lines:
        say(line)
    say("")
    for pin, what in done.pins.items():
        say(f"{pin}: {what}")
    for note in done.notes:
        say(note)
    say(f"`culturebench plan --model {name}` tells time, memory and disk; `make repro` is all that is left then.")
    say(f"`culturebench model remove {name}` takes it out, by {UNDO.format(name=name)}.")


@app.command("remove", cls=CloneCommand)
def remove_model(name: Annotated[str, typer.Argument(help="Of a model that was added.")]) -> None:
    """Take an added model out of params.yaml, which is then as it was."""
    from culturebench.switching.add import remove

    remove(ROOT, name)
    say(f"params.yaml is as it was before {name}; its weights stay where they are.")
