"""The command `culturebench`: what works here, what the project holds, what is stale, and where the report is."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from culturebench.errors import CultureBenchError

ROOT = Path()
REPORT = Path("reports/index.html")

app = typer.Typer(
    help="Shows where culture fades in a text-to-image model, and what brings it back.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
region_app = typer.Typer(help="The regions of the project.", no_args_is_help=True)
app.add_typer(region_app, name="region")
# In a file or a pipe there is no width to keep to.
console = Console(width=None if sys.stdout.isatty() else 200)


def main() -> None:
    """Run a command; a user's mistake ends it with one message and exit status 1."""
    try:
        app()
    except CultureBenchError as error:
        sys.exit(f"culturebench: {error}")


@app.command()
def doctor() -> None:
    """Say what works on this machine and, line by line, what to do about what does not."""
    from culturebench.doctor import diagnose
    from culturebench.stage import store_url

    table = Table("", "what", "found", "what to do", box=None, pad_edge=False)
    failed = False
    for finding in diagnose(ROOT, os.environ, store_url()):
        failed |= finding.needed and not finding.ok
        mark = "[green]ok[/]" if finding.ok else "[red]missing[/]" if finding.needed else "[yellow]optional[/]"
        table.add_row(mark, finding.subject, finding.detail, "" if finding.ok else finding.advice)
    console.print(table)
    raise typer.Exit(1 if failed else 0)


@region_app.command("list")
def list_regions() -> None:
    """Show every region that has a file: its code, country, language, subdivisions, and its pictures so far."""
    from culturebench.regions import overview

    table = Table("code", "country", "language", "subdivisions", "in params.yaml", "pictures", box=None, pad_edge=False)
    for region in overview(ROOT):
        table.add_row(
            region.code,
            region.country,
            region.language,
            ", ".join(region.subdivisions),
            "yes" if region.active else "",
            "" if region.pictures is None else str(region.pictures),
        )
    console.print(table)


@app.command()
def validate() -> None:
    """Check params.yaml and the region files; `make repro` does so before it begins."""
    from culturebench.checks import problems

    found = problems(ROOT)
    for problem in found:
        typer.echo(problem, err=True)
    raise typer.Exit(1 if found else 0)


@app.command()
def status() -> None:
    """Show which stages will run, which may follow, and why."""
    from flows import dvc

    stale = dvc.status(root=ROOT)
    if not stale:
        console.print("Everything is up to date.")
        return
    table = Table("stage", "", "why", box=None, pad_edge=False)
    for entry in stale:
        more = f" … and {len(entry.reasons) - 3} more" if len(entry.reasons) > 3 else ""
        table.add_row(entry.stage, "will run" if entry.certain else "may run", "; ".join(entry.reasons[:3]) + more)
    console.print(table)
    console.print(f"{len(stale)} of {len(dvc.stages(root=ROOT))} stages. `make repro` brings them up to date.")


@app.command()
def report(
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser as well.")] = False,
) -> None:
    """Print where the report is."""
    path = (ROOT / REPORT).resolve()
    if not path.is_file():
        raise CultureBenchError(f"{REPORT} is not there yet; run `make repro` in the project's root")
    typer.echo(f"The report is at {path}")
    if show:
        webbrowser.open(path.as_uri())
