"""The study with people in Label Studio: one project a block, consent first, and whose block is whose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from culturebench.annotation.lines import read_lines
from culturebench.annotation.study import (
    ANSWERS,
    CONSENT,
    FOLDER,
    SEATS,
    Consent,
    Seat,
    StudyAnswer,
    read_consent,
    read_seats,
)
from culturebench.artifacts import study_tasks
from culturebench.artifacts.study_tasks import TaskRow
from culturebench.label_studio.client import EXTERNAL_ID, LabelStudioError, ProjectSpec, Server
from culturebench.label_studio.interface import read_interface
from culturebench.label_studio.pictures import Place
from culturebench.label_studio.progress import Progress, progress_of
from culturebench.label_studio.pull import Pulled, fetch, merge, write_lines
from culturebench.label_studio.push import Pushed, Wanted, drop_others, push as push_tasks, withdraw
from culturebench.label_studio.study_answers import consent_row, task_row
from culturebench.params import RegionPart, load_document, load_region, load_section
from culturebench.params._region import REGIONS_FOLDER
from culturebench.params.labeling import Labeling
from culturebench.params.regions import Regions
from culturebench.params.study import Study, StudyPlan
from culturebench.study.draws import digest
from culturebench.study.wording import INSTRUCTION, WELCOME, choices, question

TITLE, CONSENT_TITLE = "CultureBench study, block {block}", "CultureBench study, before you begin"
FORM, CONSENT_FORM = "study", "study_consent"
#: More than a block has people: a stranger's answer takes nobody's place.
_EVERYBODY = 100
#: What lines call a task's id.
_ITEM = "task_id"


class _Named(RegionPart):
    judge_label: str


def push(root: Path, server: Server, place: Place) -> dict[str, Pushed]:
    """Bring every block's tasks, in their order, and the consent form to the server; safe to repeat.

    Tasks of an older plan leave where nobody has answered them. Returns what was done, by block. Raises
    `CultureBenchError` without a plan or when the server fails; what had arrived stays there.
    """
    _, blocks = _planned(root)
    batch = load_section(Labeling, load_document(root / "params.yaml")).batch_size
    form = read_interface(root / f"annotations/labeling/{FORM}.xml", FORM, {})
    _push_consent(root, server)
    found: dict[str, Pushed] = {}
    for block, wanted in _wanted(root, blocks).items():
        spec = ProjectSpec(TITLE.format(block=block), form, _EVERYBODY, INSTRUCTION, in_order=True)
        found[block] = push_tasks(server, spec, wanted, place, _pictures(root, blocks[block]), batch)
        drop_others(server, spec.title, {one.picture_id for one in wanted})
    return found


def pull(root: Path, server: Server) -> dict[str, Pulled]:
    """Bring `annotations/study/` to what the server holds; the same bytes when nothing changed.

    Whoever has consented and has no block yet gets the one with the fewest people. Returns what changed, by file.
    """
    plan, blocks = _planned(root)
    folder = root / FOLDER
    reader = partial(consent_row, list(_names(root)))
    existing = [one.model_dump() for _, one in read_lines(folder / CONSENT, Consent)]
    found = {CONSENT: merge(folder / CONSENT, existing, fetch(server, [CONSENT_TITLE], reader), item=_ITEM)}
    seat(folder, sorted(blocks))
    for block in sorted(blocks):
        path = folder / ANSWERS.format(block=block)
        existing = [one.model_dump() for _, one in read_lines(path, StudyAnswer)]
        answered = fetch(server, [TITLE.format(block=block)], partial(task_row, plan.min_seconds))
        found[path.name] = merge(path, existing, answered, item=_ITEM)
    return found


def seat(folder: Path, blocks: Sequence[str]) -> dict[str, str]:
    """Give everybody who has consented a block, the emptiest first; nobody's changes. Returns pseudonym -> block."""
    seats = read_seats(folder)
    filled = Counter(seats.values())
    for name, said in sorted(read_consent(folder).items()):
        if said.consents and name not in seats:
            seats[name] = min(blocks, key=lambda block: (filled[block], block))
            filled[seats[name]] += 1
    write_lines(folder / SEATS, [Seat(annotator=name, block=seats[name]).model_dump() for name in sorted(seats)])
    return seats


def links(root: Path, server: Server) -> dict[str, str]:
    """Block -> the address at which its people work; "" -> where they say that they take part."""
    titles = {"": CONSENT_TITLE, **{block: TITLE.format(block=block) for block in sorted(_planned(root)[1])}}
    found = {block: server.project(title) for block, title in titles.items()}
    return {block: f"{server.url}/projects/{number}/data?labeling=1" for block, number in found.items() if number}


def progress(root: Path, server: Server) -> dict[str, Progress]:
    """What there is on the server, by block, and how many tasks a push would send."""
    plan, blocks = _planned(root)
    return {
        block: progress_of(server, TITLE.format(block=block), wanted, plan.people)
        for block, wanted in _wanted(root, blocks).items()
    }


def forget(root: Path, server: Server, place: Place, tasks: Mapping[str, str]) -> int:
    """Take tasks (id -> sha256 of what they show) from the server with their answers; returns how many there were."""
    titles = [TITLE.format(block=block) for block in sorted(_planned(root)[1])]
    deleted = withdraw(server, titles, tasks.keys())
    place.remove(list(tasks.values()))
    return deleted


def is_planned(root: Path) -> bool:
    """Whether params plan a study and its tasks are there."""
    return load_section(Study, load_document(root / "params.yaml")).root is not None and bool(
        (root / study_tasks.PATH).exists() and study_tasks.TABLE.load(root / study_tasks.PATH, ("task_id",))
    )


def wanted_tasks(root: Path) -> dict[str, list[Wanted]]:
    """Every block's tasks in their order, which say nothing of how a picture was made."""
    return _wanted(root, _planned(root)[1])


def _planned(root: Path) -> tuple[StudyPlan, dict[str, list[TaskRow]]]:
    """The plan, and block -> its tasks in order."""
    plan = load_section(Study, load_document(root / "params.yaml")).root
    rows = study_tasks.TABLE.load(root / study_tasks.PATH) if plan else []
    if plan is None or not rows:
        raise LabelStudioError("params.yaml: `study` plans none; its comment there says what it holds")
    blocks: dict[str, list[TaskRow]] = {}
    for row in rows:
        blocks.setdefault(row["block"], []).append(row)
    return plan, blocks


def _wanted(root: Path, blocks: Mapping[str, Sequence[TaskRow]]) -> dict[str, list[Wanted]]:
    names = _names(root)
    return {
        block: [Wanted(row["task_id"], _data(row, names), _EVERYBODY) for row in rows] for block, rows in blocks.items()
    }


def _data(row: TaskRow, names: Mapping[str, str]) -> dict[str, Any]:
    """What a task shows beside the picture: its question, and the choices of its kind alone."""
    shown = [{"value": text} for text in choices(row["kind"], row["options"], names)]
    return {
        "question": question(row["kind"], names[row["region"]]),
        **{kind: shown if kind == row["kind"] else [] for kind in study_tasks.KINDS},
        "codes": ",".join(row["options"]),
    }


def _names(root: Path) -> dict[str, str]:
    """Region code -> the name that people are shown."""
    regions = load_section(Regions, load_document(root / "params.yaml"))
    return {code: load_region(_Named, code, root / REGIONS_FOLDER).judge_label for code in regions}


def _pictures(root: Path, rows: Sequence[TaskRow]) -> Callable[[Collection[str]], Iterator[tuple[str, str, bytes]]]:
    """In the order of the block, in which the server then has them."""

    def found(wanted: Collection[str]) -> Iterator[tuple[str, str, bytes]]:
        missing = [row for row in rows if row["task_id"] in wanted]
        if missing:
            images = {row["picture"]: row["image"] for row in study_tasks.SHOWN.load(root / study_tasks.SHOWN_PATH)}
            for row in missing:
                yield row["task_id"], row["picture"], images[row["picture"]]

    return found


def _push_consent(root: Path, server: Server) -> None:
    """The one task of the consent form, once; its id is the form's."""
    form = read_interface(root / f"annotations/labeling/{CONSENT_FORM}.xml", CONSENT_FORM, {"lived": _names(root)})
    project = server.ensure_project(ProjectSpec(CONSENT_TITLE, form, _EVERYBODY))
    number = digest(form)
    if number not in {task.external_id for task in server.tasks(project)}:
        server.add_tasks(project, [{EXTERNAL_ID: number, "text": WELCOME}])
    for task in server.tasks(project):
        if task.overlap != _EVERYBODY:
            server.set_overlap(task.number, _EVERYBODY)
