"""People's answers to the judges' question: real test pictures of all regions in one project, so that none is told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from culturebench.annotation.choices import read_choices
from culturebench.artifacts import splits
from culturebench.label_studio.answers import question_row
from culturebench.label_studio.client import ProjectSpec, Server
from culturebench.label_studio.interface import read_interface
from culturebench.label_studio.pictures import Place
from culturebench.label_studio.progress import Progress, progress_of
from culturebench.label_studio.pull import Pulled, fetch, merge, of_result
from culturebench.label_studio.push import Pushed, Wanted, push as push_tasks
from culturebench.params import RegionPart, load_document, load_region, load_section
from culturebench.params._region import REGIONS_FOLDER
from culturebench.params.judge_reliability import JudgeReliability
from culturebench.params.labeling import Labeling
from culturebench.params.regions import Regions
from culturebench.reliability.questions import choices_of, select

TITLE = "CultureBench questions"
ANSWERS = "annotations/answers.jsonl"
FORM = "questions"


class _Named(RegionPart):
    judge_label: str


def push(root: Path, server: Server, place: Place) -> Pushed:
    """Bring every question to the server, each once; safe to repeat.

    Raises `CultureBenchError` when the test split is missing or the server fails; what had arrived stays there.
    """
    settings: Labeling = load_section(Labeling, load_document(root / "params.yaml"))
    form = read_interface(root / f"annotations/labeling/{FORM}.xml", FORM, {})
    spec = ProjectSpec(TITLE, form, settings.overlap, "Choose by what the picture shows, without looking it up.")
    return push_tasks(server, spec, wanted_tasks(root), place, _pictures(root), settings.batch_size)


def pull(root: Path, server: Server) -> Pulled:
    """Bring `annotations/answers.jsonl` to what the server holds; the same bytes when nothing changed."""
    existing = [choice.model_dump() for choice in read_choices(root / ANSWERS)]
    return merge(root / ANSWERS, existing, fetch(server, [TITLE], of_result(question_row)))


def progress(root: Path, server: Server) -> Progress:
    """What there is on the server, and how many questions a push would send."""
    overlap = load_section(Labeling, load_document(root / "params.yaml")).overlap
    return progress_of(server, TITLE, wanted_tasks(root), overlap)


def wanted_tasks(root: Path) -> list[Wanted]:
    """The questions of the stage judge_reliability, by picture id, which says nothing of the region."""
    document = load_document(root / "params.yaml")
    numbers: JudgeReliability = load_section(JudgeReliability, document)
    overlap = load_section(Labeling, document).overlap
    regions = _regions(root)
    names = {code: load_region(_Named, code, root / REGIONS_FOLDER).judge_label for code in regions}
    rows = splits.TABLE.load_all(root / splits.TEST, regions, ("picture_id", "region"))
    wanted: list[Wanted] = []
    for row in select(rows, regions, numbers.pictures_per_region):
        codes = choices_of(row, regions, numbers.choices, numbers.seed)
        data = {"options": [{"value": names[code]} for code in codes], "codes": ",".join(codes)}
        wanted.append(Wanted(row["picture_id"], data, overlap))
    return sorted(wanted, key=lambda one: one.picture_id)


def _pictures(root: Path) -> Callable[[Collection[str]], Iterator[tuple[str, str, bytes]]]:
    def found(wanted: Collection[str]) -> Iterator[tuple[str, str, bytes]]:
        for code in _regions(root):
            for row in splits.TABLE.load(root / splits.TEST / f"{code}.parquet", ("picture_id", "image")):
                if row["picture_id"] in wanted:
                    yield row["picture_id"], hashlib.sha256(row["image"]).hexdigest(), row["image"]

    return found


def _regions(root: Path) -> list[str]:
    return list(load_section(Regions, load_document(root / "params.yaml")))
