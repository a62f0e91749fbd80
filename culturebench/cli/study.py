"""`culturebench study`: what a study with people can see."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from culturebench.cli._clone import PipelineCommand
from culturebench.cli._shared import ROOT, console

app = typer.Typer(help="The study with people.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The study with people."""


@app.command(cls=PipelineCommand)
def power(
    people: Annotated[int | None, typer.Option(min=1, help="Of each block; by default params.yaml's.")] = None,
    runs: Annotated[int, typer.Option(min=20, help="Simulated studies for each difference.")] = 200,
) -> None:
    """Print how often the planned study would see a difference of 5, 10, 15 and 20 points, before anyone is paid."""
    from culturebench.params import load_document, load_section
    from culturebench.params.regions import Regions
    from culturebench.params.study import Study
    from culturebench.study.draws import StudyError
    from culturebench.study.power import DIFFERENCES, minutes, power as simulate

    document = load_document(ROOT / "params.yaml")
    plan = load_section(Study, document).root
    if plan is None:
        raise StudyError("params.yaml: `study` plans none; its comment there says what it holds")
    plan = plan.model_copy(update={"people": people or plan.people})
    regions = len(list(load_section(Regions, document)))
    table = Table("kind", "prompts", "people", "tasks each", *_heads(DIFFERENCES), box=None, pad_edge=False)
    for seen in simulate(plan, regions, runs):
        design = seen.design
        shares = [f"{seen.shares[size]:.0%}" for size in DIFFERENCES]
        table.add_row(seen.kind, str(design.prompts), str(design.people), str(design.items), *shares)
    console.print(table)
    console.print(
        f"{plan.blocks} blocks of {plan.people}; about {minutes(plan, regions):.0f} minutes a person. How often one "
        f"condition is told from noun, of {runs} simulated studies, at the strictest level of Holm's correction over "
        f"{len(plan.conditions) - 1} comparisons; “none” is how often without a difference. Assumed: a quarter of noun "
        "prompts right, stars around 3; standard deviations: of prompts 1.0 logits (0.5 stars), of people 0.5 (0.4), "
        "of what a condition does to a prompt 0.7 (0.4).",
        style="dim",
    )


def _heads(differences: tuple[float, ...]) -> list[str]:
    return [f"{size * 100:.0f} points" if size else "none" for size in differences]
