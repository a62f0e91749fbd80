"""`culturebench annotate`: experts' work in Label Studio."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from platformdirs import user_cache_dir
from rich.table import Table

from culturebench.cli._clone import PipelineCommand
from culturebench.cli._shared import ROOT, cell, console, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from culturebench.label_studio.client import Server
    from culturebench.label_studio.progress import Progress
    from culturebench.label_studio.pull import Pulled
    from culturebench.label_studio.push import Pushed

app = typer.Typer(help="Experts' work on pictures and captions, in Label Studio.", no_args_is_help=True)

REGION = typer.Option(
    "--region", help="Code of a region, such as jp; the projects matches, questions and study are of all regions."
)
ProjectOption = Annotated[
    Literal["pictures", "ties", "captions", "matches", "questions", "study"],
    typer.Option(
        "--project",
        help="pictures | ties (for one more expert) | captions (audit and noun caption) | "
        "matches, questions (both of judge_reliability, to compare people with judges: several pictures of which one "
        "shows a culture, and one picture of several cultures) | "
        "study (generated pictures, to participants)",
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
    from culturebench.label_studio import matches, questions, region as work
    from culturebench.label_studio.connect import connect

    server, place = connect(os.environ)
    if project == "study":
        from culturebench.label_studio import study

        for block, done in study.push(ROOT, server, place).items():
            _say_pushed(f"study, block {block}", done)
        say(f"Participants sign up at {server.invitation()} and begin at {study.links(ROOT, server)['']}")
        say("Whoever has consented gets a block by `culturebench annotate pull --project study`.")
    elif project == "questions":
        _say_pushed("all regions questions", questions.push(ROOT, server, place))
    elif project == "matches":
        _say_pushed("all regions matches", matches.push(ROOT, server, place))
    else:
        _say_pushed(f"{region} {project}", work.push(ROOT, server, place, _needed(region), project))


def _say_pushed(where: str, done: Pushed) -> None:
    say(f"{where}: {done.created} tasks sent, {done.present} were there, {done.renewed} renewed.")
    if done.doubles:
        say(f"{done.doubles} second tasks on the same picture, which nobody had touched, were deleted.")
    for name, reason in sorted(done.left_out.items()):
        say(f"left out: {name}: {reason}", err=True)


@app.command(cls=PipelineCommand)
def status(
    region: Annotated[str, REGION] = "",
    project: Annotated[
        Literal["experts", "study"], typer.Option(help="experts (a region's) | study (its blocks)")
    ] = "experts",
) -> None:
    """Show how far a region's experts are, and the questions on pictures of all regions; or a study's participants."""
    from functools import partial

    from culturebench.errors import CultureBenchError
    from culturebench.label_studio import matches, questions, region as work
    from culturebench.label_studio.connect import connect

    server, _ = connect(os.environ)
    if project == "study":
        _study_status(server)
        return
    table = _progress_table("project")
    projects: dict[str, Callable[[], Progress]] = {
        kind: partial(work.progress, ROOT, server, _needed(region), kind) for kind in work.KINDS
    }
    projects["matches (all regions)"] = partial(matches.progress, ROOT, server)
    projects["questions (all regions)"] = partial(questions.progress, ROOT, server)
    for name, progress in projects.items():
        try:
            table.add_row(name, *_numbers(progress()))
        except CultureBenchError as error:
            table.add_row(name, cell(str(error)))
    console.print(table)


def _study_status(server: Server) -> None:
    from culturebench.annotation.study import FOLDER, read_seats
    from culturebench.label_studio import study

    table = _progress_table("block")
    for block, found in study.progress(ROOT, server).items():
        table.add_row(block, *_numbers(found))
    console.print(table)
    links, seats = study.links(ROOT, server), read_seats(ROOT / FOLDER)
    for number, name in sorted(server.people().items()):
        if name in seats:
            say(
                f"member {number} of the server ({name}): block {seats[name]}, {links.get(seats[name], 'not sent yet')}"
            )


def _progress_table(first: str) -> Table:
    return Table(first, "on the server", "begun", "complete", "answers", "to send", box=None, pad_edge=False)


def _numbers(found: Progress) -> list[str]:
    return list(map(str, (found.tasks, found.begun, found.complete, found.answers, found.to_send)))


@app.command(cls=PipelineCommand)
def pull(region: Annotated[str, REGION] = "", project: ProjectOption = "pictures") -> None:
    """Bring the experts' answers into annotations/; the same bytes when nothing changed."""
    from culturebench.label_studio import matches, questions, region as work
    from culturebench.label_studio.connect import connect

    server, _ = connect(os.environ)
    if project == "study":
        from culturebench.label_studio import study

        for name, done in study.pull(ROOT, server).items():
            _say_pulled(f"study {name}", done)
        _study_status(server)
    elif project == "questions":
        _say_pulled("all regions questions", questions.pull(ROOT, server))
    elif project == "matches":
        _say_pulled("all regions matches", matches.pull(ROOT, server))
    else:
        _say_pulled(f"{region} {project}", work.pull(ROOT, server, _needed(region), project))


def _say_pulled(what: str, done: Pulled) -> None:
    changes = f"{done.new} new, {done.changed} changed, {done.withdrawn} withdrawn"
    say(f"{what}: {done.lines} lines; {changes}.")
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
