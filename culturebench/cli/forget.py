"""`culturebench forget`: a takedown."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Annotated

import typer

from culturebench.cli._shared import ROOT, say
from culturebench.errors import CultureBenchError


def forget(
    picture: Annotated[str, typer.Argument(metavar="SHA256", help="Of the picture's bytes, or its picture id.")],
    reason: Annotated[str, typer.Option(help="Why, for people; it is published with the next release.")],
) -> None:
    """Take a picture down: its bytes leave every place that keeps them, and collecting never brings them back."""
    from culturebench.stage import store_url
    from culturebench.store import Store
    from culturebench.takedown.forget import REMOVED, delete_cached, identify, record, search, shown_in_study

    picture = picture.lower()
    new = record(ROOT, picture, reason)
    say(f"{REMOVED} names it now; commit that." if new else f"{REMOVED} names it already; looking again.")
    known = identify(ROOT, picture)
    in_study = shown_in_study(ROOT, known.pictures)
    sha256s = frozenset((*known.pictures.values(), *in_study.values()))
    unfinished = list(_leave_label_studio(known.pictures, in_study))
    from flows import dvc

    held = search(ROOT, dvc.cache_folder(root=ROOT), sha256s)
    purged = dvc.purge([path.parent.name + path.name for path in held.cached], root=ROOT)
    if purged.failed:
        why = "; ".join(f"{name}: {error}" for name, error in purged.failed.items())
        raise CultureBenchError(f"nothing is deleted here before DVC's remotes can be asked. Run it again then. {why}")
    for path in held.made:
        path.unlink()
    deleted = delete_cached(Store(store_url()), sha256s)
    say(
        f"Deleted: {len(held.made)} files that stages made, {purged.objects} objects of DVC's cache, "
        f"{sum(purged.remotes.values())} of its remotes, {deleted} files kept by collection."
    )
    for path in held.others:
        say(f"It is still in {path}, which is yours to delete.")
    for name, sha256 in known.alike.items():
        say(f"{name} looks like it and stays. If it has to go as well: culturebench forget {sha256 or name}")
    if unfinished:
        raise CultureBenchError("not everywhere yet; run the same command again. " + "; ".join(unfinished))
    say("`make repro` makes the data anew without it. Clones and copies of releases elsewhere keep theirs.")


def _leave_label_studio(pictures: Mapping[str, str], in_study: Mapping[str, str]) -> Iterator[str]:
    """Delete tasks and files, of the study (task id -> sha256) too; yields what could not be done.

    Nothing happens where no server was ever used.
    """
    from culturebench.label_studio import local, study
    from culturebench.label_studio.connect import URL, connect, local_home
    from culturebench.label_studio.region import forget as leave
    from culturebench.regions.check import codes

    if not os.environ.get(URL) and local.credentials(local_home(os.environ)) is None:
        return
    try:
        server, place = connect(os.environ)
        tasks = leave(server, place, codes(ROOT), pictures)
        tasks += study.forget(ROOT, server, place, in_study) if in_study else 0
        say(f"Deleted {tasks} tasks of Label Studio.")
    except CultureBenchError as error:
        yield f"Label Studio: {error}"
