"""`culturebench annotate`: experts' work in Label Studio."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer
from platformdirs import user_cache_dir
from rich.table import Table

from culturebench.cli._clone import PipelineCommand
from culturebench.cli._shared import ROOT, cell, console, say

app = typer.Typer(help="Experts' work on pictures and captions, in Label Studio.", no_args_is_help=True)

REGION = typer.Option("--region", help="Code of a region, such as jp; the project questions is of all regions.")
RegionOption = Annotated[str, typer.Option("--region", help="Code of a region, such as jp.")]
ProjectOption = Annotated[
    Literal["pictures", "ties", "captions", "questions"],
    typer.Option(
        "--project",
        help="pictures | ties (for one more expert) | captions (audit and noun caption) | "
        "questions (those of judge_reliability, to compare people with judges)",
    ),
]


@app.command(cls=PipelineCommand)
def up(
    port: Annotated[int | None, typer.Option(help="By default that of last time, or 8080 when free.")] = None,
    webhooks: Annotated[bool, typer.Option("--webhooks", help="Let it call addresses of this machine.")] = False,
) -> None:
    """Start a Label Studio on this machine, installing it first when it is not there."""
    from culturebench.label_studio import local
    from culturebench.label_studio.client import Server
    from culturebench.label_studio.connect import local_home

    home = local_home(os.environ)
    entry = local.start(home, local.install(Path(user_cache_dir("culturebench"))), port, webhooks)
    say(f"Label Studio runs at {entry.url}, for this machine only.")
    say(f"Your user is {entry.username}; its password is in {home / 'credentials.json'}.")
    say(f"Experts sign up at {Server(entry.url, entry.token).invitation()}")


@app.command(cls=PipelineCommand)
def down() -> None:
    """Stop the Label Studio of this machine; its data stay."""
    from culturebench.label_studio import local
    from culturebench.label_studio.connect import local_home

    stopped = local.stop(local_home(os.environ))
    say("Label Studio has stopped." if stopped else "No Label Studio of this machine was running.")


@app.command(cls=PipelineCommand)
def push(region: Annotated[str, REGION] = "", project: ProjectOption = "pictures") -> None:
    """Send what experts have not been given yet; safe to repeat, nothing is sent twice."""
    from culturebench.label_studio import questions, region as work
    from culturebench.label_studio.connect import connect

    server, place = connect(os.environ)
    everywhere = project == "questions"
    done = (
        questions.push(ROOT, server, place) if everywhere else work.push(ROOT, server, place, _needed(region), project)
    )
    where = f"{region or 'all regions'} {project}"
    say(f"{where}: {done.created} tasks sent, {done.present} were there, {done.renewed} renewed.")
    if done.doubles:
        say(f"{done.doubles} second tasks on the same picture, which nobody had touched, were deleted.")
    for name, reason in sorted(done.left_out.items()):
        say(f"left out: {name}: {reason}", err=True)


@app.command(cls=PipelineCommand)
def status(region: RegionOption) -> None:
    """Show how far a region's experts are, and the questions on pictures of all regions."""
    from functools import partial

    from culturebench.errors import CultureBenchError
    from culturebench.label_studio import questions, region as work
    from culturebench.label_studio.connect import connect

    server, _ = connect(os.environ)
    table = Table("project", "on the server", "begun", "complete", "answers", "to send", box=None, pad_edge=False)
    projects = {kind: partial(work.progress, ROOT, server, region, kind) for kind in work.KINDS}
    for name, progress in {**projects, "questions (all regions)": partial(questions.progress, ROOT, server)}.items():
        try:
            found = progress()
        except CultureBenchError as error:
            table.add_row(name, cell(str(error)))
            continue
        numbers = (found.tasks, found.begun, found.complete, found.answers, found.to_send)
        table.add_row(name, *map(str, numbers))
    console.print(table)


@app.command(cls=PipelineCommand)
def pull(region: Annotated[str, REGION] = "", project: ProjectOption = "pictures") -> None:
    """Bring the experts' answers into annotations/; the same bytes when nothing changed."""
    from culturebench.label_studio import questions, region as work
    from culturebench.label_studio.connect import connect

    server, _ = connect(os.environ)
    everywhere = project == "questions"
    done = questions.pull(ROOT, server) if everywhere else work.pull(ROOT, server, _needed(region), project)
    changes = f"{done.new} new, {done.changed} changed, {done.withdrawn} withdrawn"
    say(f"{region or 'all regions'} {project}: {done.lines} lines; {changes}.")
    for problem in done.problems:
        say(f"not used: {problem}", err=True)


@app.command(cls=PipelineCommand)
def accept(
    annotator: Annotated[str, typer.Option(help="Who keeps them; a pseudonym will do.")],
    region: Annotated[list[str] | None, typer.Option(help="Code, once for each region; by default all.")] = None,
) -> None:
    """Keep every picture that you have not decided on and nobody has rejected: for an expert who chose them all."""
    from culturebench.annotation.accept import accept as keep
    from culturebench.params import load_document

    for code in region or load_document(ROOT / "params.yaml")["regions"]:
        say(f"{code}: {keep(ROOT, code, annotator)} pictures kept by {annotator.strip()}.")
    say("Commit annotations/decisions/; then `dvc repro split`.")


def _needed(region: str) -> str:
    if not region:
        raise typer.BadParameter("name a region, such as jp", param_hint="--region")
    return region
