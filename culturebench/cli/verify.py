"""`culturebench verify`: whether what is kept is what it was, and what is here that of the shipped run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from culturebench.cli._shared import ROOT, cell, console, say
from culturebench.errors import CultureBenchError


def verify(
    reference: Annotated[
        bool, typer.Option("--reference", help="Compare the outs with those of the shipped run instead.")
    ] = False,
    make_reference: Annotated[
        bool, typer.Option("--make-reference", help="Write the outs' hashes as the reference of this version instead.")
    ] = False,
) -> None:
    """Read all of DVC's cache and of the store, drop what is damaged; compare dvc.lock and pins with what is here."""
    if make_reference:
        _make_reference()
    elif reference:
        _compare()
    else:
        _look()


def _look() -> None:
    from culturebench.stage import store_url
    from culturebench.store import Store
    from flows import dvc, whole
    from flows.workspace import only_writer

    with only_writer(ROOT, say):
        found = whole.look_at_everything(ROOT, dvc.cache_folder(root=ROOT))
    kept, dropped = Store(store_url()).drop_damaged()
    weights, unlike = _pinned()
    console.print(f"DVC's cache: {found.objects} objects and {found.runs} noted runs were read.")
    console.print(f"The store: {kept} results were read.")
    console.print(f"dvc.lock: {found.outs} outs were compared with it.")
    console.print(f"Pins: {weights} files of weights were hashed.")
    for place, names in (("DVC's cache", (*found.dropped, *found.dropped_runs)), ("the store", dropped)):
        for name in names:
            console.print(cell(f"Damaged, and dropped from {place}: {name}"))
    for name in found.changed:
        console.print(cell(f"{name} is not what dvc.lock says, damaged or edited: delete it, and it comes back."))
    for reason in unlike:
        console.print(cell(reason))
    if found.dropped or found.dropped_runs or dropped or found.changed or unlike:
        raise CultureBenchError("not everything is what it was; `culturebench repro` makes again what is missed")
    console.print("All of it is whole.")


def _pinned() -> tuple[int, list[str]]:
    """How many files were hashed, of all pins whose folders are on this machine, and what is wrong with some."""
    from culturebench.artifacts import pins
    from culturebench.pins import PinError, verified

    pinned = [pins.load(path) for path in sorted((ROOT / pins.DIRECTORY).glob("*.json"))]
    found = [pin for pin in pinned if Path(pin.folder).is_dir()]
    wrong: list[str] = []
    for pin in found:
        try:
            verified(pin)
        except PinError as error:
            wrong.append(str(error))
    return sum(len(pin.files) for pin in found), wrong


def _make_reference() -> None:
    from culturebench.cli._made_on import machine
    from flows import reference
    from flows.workspace import only_writer

    with only_writer(ROOT, say):
        count = reference.write(ROOT, machine(ROOT))
    console.print(f"{reference.PATH} holds the hashes of {count} outs; commit it with the version.")


def _compare() -> None:
    from flows import reference

    found = reference.compare(ROOT)
    console.print(
        f"{found.equal} outs equal the reference, {found.different} differ, {found.missing} are not in dvc.lock."
    )
    for name, reason in reference.LEFT_OUT.items():
        console.print(f"{name} is not compared: {reason}.")
    for difference in found.first:
        console.print(cell(f"A difference arises at {difference.stage}: {', '.join(difference.outs)}"))
        console.print(cell(f"  {_why(difference.made_of, found.made_on)}"))
    if found.different or found.missing:
        raise CultureBenchError("what is here is not all of the shipped run")


def _why(made_of: Sequence[str], made_on: Mapping[str, str]) -> str:
    """What a stage's bytes may differ by, in a sentence."""
    from culturebench.cli._made_on import machine

    if made_of:
        return f"It runs on what is not the reference's: {', '.join(made_of)}."
    here = machine(ROOT)
    others = [
        f"{name} {value or '?'}, here {here.get(name) or '?'}"
        for name, value in made_on.items()
        if here.get(name) != value
    ]
    if others:
        return f"Its code and inputs are the reference's. The machine is not: {'; '.join(others)}. That is no fault."
    return "Its code, inputs, processor and libraries are those of the reference: please tell its makers."
