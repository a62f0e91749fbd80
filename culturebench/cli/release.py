"""`culturebench release`: the data half as files for others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from culturebench.cli._shared import ROOT, say
from culturebench.errors import CultureBenchError


def release(
    version: Annotated[str, typer.Argument(help="Three numbers, such as 1.0.0.")],
    to: Annotated[Path, typer.Option(help="The folder; an earlier release there is replaced.")] = Path("release"),
) -> None:
    """Write the pictures with their sides as a data set that others can load, and freeze their sides."""
    from culturebench.params import load_document, load_section
    from culturebench.params.regions import Regions
    from culturebench.params.release import Release
    from culturebench.release.make import release as make

    document = load_document(ROOT / "params.yaml")
    settings, regions = load_section(Release, document), load_section(Regions, document)
    refuse_stale_data()
    done = make(ROOT, to, version, settings, list(regions))
    say(f"{done.pictures} pictures in {done.files} files are in {done.folder}/; its README.md is the data card.")
    if done.provisional:
        say(f"{done.provisional} provisional pictures were left out.")
    say(f"{done.frozen} more assignments are frozen in annotations/splits/; commit them.")


def refuse_stale_data() -> None:
    """A release shows what params, annotations and code say now."""
    from flows import dvc

    pipeline = dvc.look(root=ROOT)
    stale = [name for name in pipeline.select(["split"]) if name in pipeline.stale]
    if stale:
        shown = ", ".join(stale[:4]) + (", …" if len(stale) > 4 else "")
        raise CultureBenchError(f"the data are not up to date ({shown}); run `dvc repro split` first")
