"""People's answers to the judges' question which of several real pictures shows a culture: one numbered grid a task."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from culturebench.annotation.matches import read_matches
from culturebench.artifacts import splits
from culturebench.images.decode import decode
from culturebench.images.grid import numbered_grid
from culturebench.label_studio.answers import match_row
from culturebench.label_studio.client import ProjectSpec, Server
from culturebench.label_studio.interface import read_interface
from culturebench.label_studio.pictures import Place
from culturebench.label_studio.progress import Progress, progress_of
from culturebench.label_studio.pull import Pulled, fetch, merge, of_result
from culturebench.label_studio.push import Pushed, Wanted, drop_others, push as push_tasks
from culturebench.params import RegionPart, load_document, load_region, load_section
from culturebench.params._region import REGIONS_FOLDER
from culturebench.params.judge_reliability import JudgeReliability
from culturebench.params.labeling import Labeling
from culturebench.params.regions import Regions
from culturebench.reliability.matching import Matching, matchings

TITLE = "CultureBench matches"
ANSWERS = "annotations/matches.jsonl"
FORM = "matches"
_ITEM = "question_id"
#: In a picture's address.
_SHA256 = re.compile("[0-9a-f]{64}")


class _Named(RegionPart):
    judge_label: str


def push(root: Path, server: Server, place: Place) -> Pushed:
    """Bring every question to the server, each once; safe to repeat. Questions of other pictures leave untouched tasks.

    Raises `CultureBenchError` when the test split is missing or the server fails; what had arrived stays there.
    """
    settings: Labeling = load_section(Labeling, load_document(root / "params.yaml"))
    form = read_interface(root / f"annotations/labeling/{FORM}.xml", FORM, {})
    spec = ProjectSpec(TITLE, form, settings.overlap, "Choose by what the pictures show, without looking it up.")
    asked = _asked(root)
    done = push_tasks(server, spec, _wanted(root, asked), place, _grids(root, asked), settings.batch_size)
    drop_others(server, TITLE, {one.question_id for one in asked})
    return done


def pull(root: Path, server: Server) -> Pulled:
    """Bring `annotations/matches.jsonl` to what the server holds; the same bytes when nothing changed."""
    existing = [match.model_dump() for match in read_matches(root / ANSWERS)]
    return merge(root / ANSWERS, existing, fetch(server, [TITLE], of_result(match_row)), item=_ITEM)


def progress(root: Path, server: Server) -> Progress:
    """What there is on the server, and how many questions a push would send."""
    overlap = load_section(Labeling, load_document(root / "params.yaml")).overlap
    return progress_of(server, TITLE, wanted_tasks(root), overlap)


def wanted_tasks(root: Path) -> list[Wanted]:
    """The questions of the stage judge_reliability, by an id that says nothing of the right picture."""
    return _wanted(root, _asked(root))


def forget(server: Server, place: Place, pictures: Collection[str]) -> int:
    """Take every grid that shows one of these picture ids from the server, with its answers; returns how many."""
    project = server.project(TITLE)
    tasks = list(server.tasks(project)) if project is not None else []
    chosen = [task for task in tasks if not set(pictures).isdisjoint(str(task.data.get("codes", "")).split(","))]
    for task in chosen:
        server.delete_task(task.number)
    place.remove([found for task in chosen for found in _SHA256.findall(str(task.data.get("image", "")))])
    return len(chosen)


def _asked(root: Path) -> list[Matching]:
    document = load_document(root / "params.yaml")
    numbers: JudgeReliability = load_section(JudgeReliability, document)
    regions = list(load_section(Regions, document))
    rows = splits.TABLE.load_all(root / splits.TEST, regions, ("picture_id", "region", "group"))
    return matchings(rows, regions, numbers.pictures_per_region, numbers.choices, numbers.seed)


def _wanted(root: Path, asked: Sequence[Matching]) -> list[Wanted]:
    document = load_document(root / "params.yaml")
    overlap = load_section(Labeling, document).overlap
    codes = load_section(Regions, document)
    names = {code: load_region(_Named, code, root / REGIONS_FOLDER).judge_label for code in codes}
    wanted = [
        Wanted(
            one.question_id,
            {
                "culture": names[one.region],
                "region": one.region,
                "options": [{"value": str(number + 1)} for number in range(len(one.pictures))],
                "codes": ",".join(one.pictures),
            },
            overlap,
        )
        for one in asked
    ]
    return sorted(wanted, key=lambda one: one.picture_id)


def _grids(root: Path, asked: Sequence[Matching]) -> Callable[[Collection[str]], Iterator[tuple[str, str, bytes]]]:
    """Of the questions that are missing: question id, sha256 and bytes of its grid."""

    def found(wanted: Collection[str]) -> Iterator[tuple[str, str, bytes]]:
        missing = [one for one in asked if one.question_id in wanted]
        needed = {name for one in missing for name in one.pictures}
        codes = list(load_section(Regions, load_document(root / "params.yaml"))) if missing else []
        rows = splits.TABLE.load_all(root / splits.TEST, codes, ("picture_id", "image"))
        images = {row["picture_id"]: row["image"] for row in rows if row["picture_id"] in needed}
        for one in missing:
            grid = numbered_grid([decode(images[name]) for name in one.pictures])
            yield one.question_id, hashlib.sha256(grid).hexdigest(), grid

    return found
