"""`culturebench region`: the regions of the project."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.padding import Padding
from rich.table import Table

from culturebench.cli._clone import CloneCommand
from culturebench.cli._shared import ROOT, cell, console, say

app = typer.Typer(help="The regions of the project.", no_args_is_help=True)


@app.command("list", cls=CloneCommand)
def list_regions() -> None:
    """Show every region that has a file: its code, country, language, subdivisions, and its pictures so far."""
    from culturebench.regions.overview import overview

    table = Table("code", "country", "language", "subdivisions", "in params.yaml", "pictures", box=None, pad_edge=False)
    for region in overview(ROOT):
        table.add_row(
            region.code,
            cell(region.country),
            cell(region.language),
            cell(", ".join(region.subdivisions)),
            "yes" if region.active else "",
            "" if region.pictures is None else str(region.pictures),
        )
    console.print(table)


@app.command("add", cls=CloneCommand)
def add_region(
    code: Annotated[str, typer.Argument(help="Two to eight small letters, such as vn.")],
    country: Annotated[str, typer.Option(help="Its English name, such as Vietnam.")],
    language: Annotated[str, typer.Option(help="ISO 639 code of its language, such as vi.")],
    iso: Annotated[list[str] | None, typer.Option(help="ISO 3166 code, once for each country of a group.")] = None,
) -> None:
    """Scaffold annotations/regions/CODE.yaml and list the region in params.yaml."""
    from culturebench.regions.add import add

    done = add(ROOT, code, country, language, iso or [])
    if done.lay_ready:
        say(f"{done.path} lay ready; {code} is in params.yaml now. Run `make repro`.")
    else:
        say(f"{done.path} is to be filled in, and {code} is in params.yaml.")
        say(f"`culturebench region check {code}` says what is missing; then run `make repro`.")


@app.command("check", cls=CloneCommand)
def check_regions(
    chosen: Annotated[list[str] | None, typer.Argument(metavar="[CODE]...", help="By default every file.")] = None,
) -> None:
    """Check region files; a mistake ends with status 1, a warning is for a person to look at."""
    from culturebench.regions.check import check, codes

    every = chosen or codes(ROOT)
    found = check(ROOT, every)
    for error in found.errors:
        say(f"error: {error}", err=True)
    for warning in found.warnings:
        say(f"warning: {warning}", err=True)
    if found.errors:
        raise typer.Exit(1)
    say(f"{len(every)} region files are in order: {', '.join(every)}.")
    if found.unvalidated:
        say(
            f"No expert has validated the subdivisions of {', '.join(found.unvalidated)}: before a release, name who "
            "did, by pseudonym, in `validated_by` of the region file."
        )


@app.command("show", cls=CloneCommand)
def show_region(code: Annotated[str, typer.Argument(help="Of the region, such as jp.")]) -> None:
    """Show one region as a page to read."""
    from culturebench.params._region import Words
    from culturebench.regions.model import load_whole_region
    from culturebench.regions.words import languages, scripts

    region = load_whole_region(ROOT, code)
    language = f"{languages()[region.language]} ({region.language}) in {scripts()[region.script]} script"
    console.print(f"[bold]{cell(region.country)}[/] ({region.code}: {cell(', '.join(region.iso))}), {language}")
    console.print(f"A judge sees it as {cell(repr(region.judge_label))}.\n")

    table = Table("", "in its own language", "in English", box=None, pad_edge=False)

    def row(name: str, words: Words) -> None:
        table.add_row(name, cell(", ".join(words.local)), cell(", ".join(words.en)))

    for category, words in region.keywords.items():
        row(category, words)
    table.add_section()
    for part in region.subdivisions.values():
        table.add_row(f"[bold]{cell(part.name)}[/]", cell(part.local_name), "")
        row("", part.keywords)
    table.add_section()
    row("modifiers", region.modifiers)
    row("neutral modifiers", region.neutral_modifiers)
    if region.placebo_modifiers:
        row("placebo modifiers", region.placebo_modifiers)
    console.print(table)

    console.print("\n[bold]To leave out[/]")
    for exclusion in region.exclude:
        console.print(Padding(f"{cell(exclusion.what)}: {cell(exclusion.reason)}", (0, 0, 0, 2)))
    console.print("\n[bold]For annotators[/]")
    console.print(Padding(cell(" ".join(region.notes.split())), (0, 0, 0, 2)))
