"""`culturebench verify`: whether what is kept is what it was."""

from __future__ import annotations

import typer

from culturebench.cli._shared import ROOT, cell, console
from culturebench.errors import CultureBenchError

AGAIN = "`culturebench repro` makes again what is missed."


def verify() -> None:
    """Read all of DVC's cache and of the store, drop what is damaged, and compare what is here with dvc.lock."""
    from culturebench.stage import store_url
    from culturebench.store import Store
    from flows import dvc, whole
    from flows.workspace import only_writer

    with only_writer(ROOT, typer.echo):
        found = whole.look_at_everything(ROOT, dvc.cache_folder(root=ROOT))
    kept, dropped = Store(store_url()).drop_damaged()
    console.print(f"DVC's cache: {found.objects} objects and {found.runs} noted runs were read.")
    console.print(f"The store: {kept} results were read.")
    console.print(f"dvc.lock: {found.outs} outs were compared with it.")
    for place, names in (("DVC's cache", (*found.dropped, *found.dropped_runs)), ("the store", dropped)):
        for name in names:
            console.print(cell(f"Damaged, and dropped from {place}: {name}"))
    for name in found.changed:
        console.print(cell(f"{name} is not what dvc.lock says, damaged or edited: delete it, and it comes back."))
    if found.dropped or found.dropped_runs or dropped or found.changed:
        raise CultureBenchError(f"not everything is what it was. {AGAIN}")
    console.print("All of it is whole.")
