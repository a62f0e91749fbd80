"""`culturebench report`: where the report is, and its figure as a picture."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from culturebench.cli._shared import ROOT, say
from culturebench.errors import CultureBenchError

REPORT = Path("reports/index.html")


def report(
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser as well.")] = False,
    figure: Annotated[
        Path | None, typer.Option(help="Also draw pictures and accuracy of each condition into this PNG file.")
    ] = None,
) -> None:
    """Print where the report is."""
    path = (ROOT / REPORT).resolve()
    if not path.is_file():
        raise CultureBenchError(f"{REPORT} is not there yet; run `make repro` in the project's root")
    say(f"The report is at {path}")
    if figure:
        figure.write_bytes(_figure())
        say(f"The figure is at {figure.resolve()}")
    if show:
        webbrowser.open(path.as_uri())


def _figure() -> bytes:
    """Of the first model that was evaluated."""
    from culturebench.artifacts import evaluation, pictures
    from culturebench.params import load_document, load_section
    from culturebench.params.regions import Regions
    from culturebench.report.figure import columns_of, draw, strips_of
    from culturebench.report.results import Results

    rows = evaluation.load(ROOT / evaluation.PATH)
    if not rows:
        raise CultureBenchError("nothing was generated, so there is no figure; name a model under `models`")
    model = rows[0]["model"]
    columns = columns_of(Results(rows, model))
    made = {
        column.name: {
            (row["prompt_id"], row["seed"]): row
            for row in pictures.TABLE.load(ROOT / pictures.TEST_PATH.format(model=model, condition=column.name))
        }
        for column in columns
    }
    regions = list(load_section(Regions, load_document(ROOT / "params.yaml")))
    count = max((len(some) for some in made.values()), default=0)
    note = f"model {model}: {count} pictures under each condition, judges pooled"
    return draw(columns, strips_of(made, regions), note)
