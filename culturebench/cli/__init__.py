"""The command `culturebench`; each group of commands is a module of its own here."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from culturebench.cli import annotate, forget, model, neurons, pins, plan, region, release, sae, server, study
from culturebench.cli._clone import CloneCommand, PipelineCommand
from culturebench.cli._shared import ROOT, cell, console, say
from culturebench.cli.explore import explore
from culturebench.cli.report import report
from culturebench.cli.repro import repro
from culturebench.cli.verify import verify
from culturebench.errors import CultureBenchError

if TYPE_CHECKING:
    from flows.pipeline import Pipeline

app = typer.Typer(
    help="Shows where culture fades in a text-to-image model, and what brings it back.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(region.app, name="region")
app.add_typer(model.app, name="model")
app.add_typer(pins.app, name="pins")
app.add_typer(neurons.app, name="neurons")
app.add_typer(sae.app, name="sae")
app.add_typer(annotate.app, name="annotate")
app.add_typer(study.app, name="study")
app.add_typer(server.app, name="server")


def main() -> None:
    """Run a command; a user's mistake ends it with one message and exit status 1."""
    try:
        app()
    except CultureBenchError as error:
        sys.exit(f"culturebench: {error}")


@app.command(cls=CloneCommand)
def doctor() -> None:
    """Say what works on this machine and, line by line, what to do about what does not."""
    from culturebench.doctor import diagnose
    from culturebench.stage import store_url

    table = Table("", "what", "found", "what to do", box=None, pad_edge=False)
    failed = False
    for finding in diagnose(ROOT, os.environ, store_url()):
        failed |= finding.needed and not finding.ok
        mark = "[green]ok[/]" if finding.ok else "[red]missing[/]" if finding.needed else "[yellow]optional[/]"
        table.add_row(mark, *map(cell, (finding.subject, finding.detail, "" if finding.ok else finding.advice)))
    console.print(table)
    raise typer.Exit(1 if failed else 0)


@app.command(cls=CloneCommand)
def validate() -> None:
    """Check params.yaml and the region files; `make repro` does so before it begins."""
    from culturebench.checks import problems

    found = problems(ROOT)
    for problem in found:
        say(problem, err=True)
    raise typer.Exit(1 if found else 0)


app.command(cls=PipelineCommand)(repro)


@app.command(cls=PipelineCommand)
def status() -> None:
    """Show which stages will run, which may follow, and why, and after which stage a region has no picture left."""
    from culturebench.cli._emptied import emptied
    from culturebench.cli._made_on import difference
    from culturebench.params import load_document
    from flows import dvc

    with dvc.looking(root=ROOT) as looked:
        sentences = emptied(ROOT, load_document(ROOT / "params.yaml")["regions"])
        pipeline = looked()
    _show(pipeline)
    if pipeline.stale and (said := difference(ROOT)):
        sentences.append(said)
    for sentence in sentences:
        console.print(cell(sentence))


def _show(pipeline: Pipeline) -> None:
    stale = pipeline.stale
    if not stale:
        console.print("Everything is up to date.")
        return
    table = Table("stage", "", "why", box=None, pad_edge=False)
    alike: dict[tuple[str, str, str], list[str]] = {}  # stages of a kind that wait for the same reasons share a row
    for entry in stale.values():
        kind, _, item = entry.stage.partition("@")
        row = (kind, "will run" if entry.certain else "may run", _first(entry.reasons, "; "))
        alike.setdefault(row, []).append(item)
    for (kind, whether, why), items in alike.items():
        table.add_row(cell(f"{kind}@{_first(items, ', ')}" if any(items) else kind), whether, cell(why))
    console.print(table)
    console.print(f"{len(stale)} of {len(pipeline.stages)} stages. `make repro` brings them up to date.")


def _first(items: Sequence[str], between: str, limit: int = 3) -> str:
    more = f" … and {len(items) - limit} more" if len(items) > limit else ""
    return between.join(items[:limit]) + more


app.command(cls=CloneCommand)(report)
app.command(cls=CloneCommand)(explore)
app.command(cls=PipelineCommand)(verify)

# In the order of the help: what everybody needs stands above.
app.command(cls=CloneCommand)(plan.plan)
for command in (release.release, forget.forget):
    app.command(cls=PipelineCommand)(command)
