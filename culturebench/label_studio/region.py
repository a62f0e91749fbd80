"""One region's work for experts: which tasks there should be, and which file the answers belong to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import pyarrow.parquet as pq

from culturebench.annotation.consensus import UNDECIDED
from culturebench.annotation.decisions import Decision
from culturebench.annotation.gold import read_gold
from culturebench.annotation.lines import read_lines
from culturebench.artifacts import annotated, candidates, duplicates, grounded, relevance, screened
from culturebench.artifacts.annotated import AnnotatedRow
from culturebench.artifacts.grounded import CaptionedRow
from culturebench.captions.cues import UNDECIDED as UNDECIDED_AUDIT
from culturebench.captions.human import read_caption_lines
from culturebench.captions.spans import CaptionRow
from culturebench.errors import plain
from culturebench.label_studio import answers, matches, questions
from culturebench.label_studio.client import LabelStudioError, ProjectSpec, Server
from culturebench.label_studio.interface import read_interface
from culturebench.label_studio.pictures import Place
from culturebench.label_studio.progress import Progress, progress_of
from culturebench.label_studio.pull import Pulled, Read, fetch, merge, of_result
from culturebench.label_studio.push import Pushed, Wanted, push as push_tasks, withdraw
from culturebench.params import load_document, load_section
from culturebench.params.annotate import Annotate
from culturebench.params.caption import Caption
from culturebench.params.labeling import Labeling
from culturebench.params.relevance import Relevance
from culturebench.regions.model import Region, load_whole_region
from culturebench.regions.words import languages

#: pictures: every expert's judgement; ties: those on which they disagree, for one more; captions: audit and noun.
Kind = Literal["pictures", "ties", "captions"]
KINDS: tuple[Kind, ...] = ("pictures", "ties", "captions")
GOLD = "annotations/gold/{region}.jsonl"
DECISIONS = "annotations/decisions/{region}.jsonl"
CAPTIONS = "annotations/captions/{region}.jsonl"
_FORMS: Mapping[Kind, str] = {"pictures": "pictures", "ties": "pictures", "captions": "captions"}
#: Pictures in memory at once.
_ROWS = 32
#: For a picture with a known answer: more experts than any region has.
_EVERYBODY = 100
_INSTRUCTION = "Judge the picture by annotations/guidelines.md and by the notes of the region: "


def title(region: str, kind: Kind) -> str:
    """The project's name on the server."""
    return f"CultureBench {region} {kind}"


def push(root: Path, server: Server, place: Place, region: str, kind: Kind = "pictures") -> Pushed:
    """Bring the tasks of one kind to the server, each once; safe to repeat.

    Reads the stages' results under `root`. Raises `CultureBenchError` when they are missing, when params
    contradict each other, or when the server fails; what had arrived stays there.
    """
    settings = _settings(root)
    wanted = wanted_tasks(root, region, kind)
    found = _picture_source(root / candidates.PATH.format(region=region))
    return push_tasks(server, _spec(root, region, kind, settings), wanted, place, found, settings.batch_size)


def pull(root: Path, server: Server, region: str, kind: Kind = "pictures") -> Pulled:
    """Bring the region's annotation file to what the server holds; the same bytes when nothing changed.

    Pictures and ties share `annotations/decisions/`, so both are fetched for either of them.
    """
    about = _region(root, region)
    form = answers.Form(tuple(about.subdivisions), tuple(about.keywords), about.language)
    if kind == "captions":
        path = root / CAPTIONS.format(region=region)
        existing = read_caption_lines(path)
        answered = fetch(server, [title(region, kind)], _reader(answers.caption_row, form))
        return merge(path, existing, answered)
    path = root / DECISIONS.format(region=region)
    existing = [decision.model_dump() for _, decision in read_lines(path, Decision)]
    titles = [title(region, "pictures"), title(region, "ties")]
    return merge(path, existing, fetch(server, titles, _reader(answers.picture_row, form)))


def progress(root: Path, server: Server, region: str, kind: Kind = "pictures") -> Progress:
    """What there is on the server, and how many tasks a push would send."""
    wanted = wanted_tasks(root, region, kind)
    return progress_of(server, title(region, kind), wanted, _overlap(root, kind, _settings(root)))


def wanted_tasks(root: Path, region: str, kind: Kind) -> list[Wanted]:
    """The tasks that a region's experts should have, by picture id."""
    settings, about = _settings(root), _region(root, region)
    if kind == "captions":
        return _caption_tasks(root, about)
    sources = _sources(root / candidates.PATH.format(region=region))
    doubts = _doubts(root, region)
    data = {
        name: {"country": plain(about.country), "origin": plain(" · ".join(filter(None, (source, doubts.get(name)))))}
        for name, source in sources.items()
    }
    if kind == "ties":
        rows = annotated.TABLE.load(root / annotated.PATH.format(region=region))
        min_decisions = _annotate(root).min_decisions
        tied = [row["picture_id"] for row in rows if _undecided(row) and row["decisions"] >= min_decisions]
        return [Wanted(name, data[name], 1) for name in sorted(tied)]
    rows = duplicates.TABLE.load(root / duplicates.PATH.format(region=region))
    gold = set(sorted(read_gold(root / GOLD.format(region=region)).keys() & data.keys())[: settings.gold])
    chosen = {row["picture_id"] for row in rows if row["status"] == "kept"} | gold
    return [Wanted(name, data[name], _EVERYBODY if name in gold else settings.overlap) for name in sorted(chosen)]


def _caption_tasks(root: Path, about: Region) -> list[Wanted]:
    """Pictures that wait for a caption or for its audit, with what was written of them so far."""
    rows = grounded.TABLE.load(root / grounded.PATH.format(region=about.code))
    auditors = _auditors(root)
    name = languages()[about.language]
    return [
        Wanted(
            row["picture_id"],
            {
                "language_name": name,
                "why": plain(" · ".join(filter(None, (_why(row["reason"]), row["detail"])))),
                "cultural": _caption(row["cultural"]),  # as it is: experts mark words in it by their places
                "cultural_en": _caption(row["cultural_en"]),
                # A person writes the noun caption; a machine's is a draft and says so.
                "draft": plain(f"Draft by {row['provider']}: {row['noun_draft']['text']}") if row["noun_draft"] else "",
            },
            _audits_needed(row, auditors),
        )
        for row in rows
        if row["status"] == "waiting"
    ]


def _why(reason: str) -> str:
    return f"Why it is here: {reason.replace('_', ' ')}"


def _audits_needed(row: CaptionedRow, auditors: int) -> int:
    """How many people look at it: one writes, `auditors` audit, and one more where as many do not agree."""
    if not row["cultural"]:
        return 1
    return max(auditors, len(row["audits"]) + 1) if row["reason"] == UNDECIDED_AUDIT else auditors


def _caption(value: CaptionRow | None) -> str:
    return value["text"] if value else ""


def _undecided(row: AnnotatedRow) -> bool:
    return row["provisional"] or row["reason"] == UNDECIDED


def _sources(path: Path) -> dict[str, str]:
    """Picture id -> title, author and page, by which an expert can tell where a picture is from."""
    rows = candidates.TABLE.load(path, ["picture_id", "file_name", "author", "page_url", "status"])
    return {
        row["picture_id"]: " · ".join(part for part in (row["file_name"], row["author"], row["page_url"]) if part)
        for row in reversed(rows)
        if row["status"] == "ok"
    }


def _doubts(root: Path, region: str) -> dict[str, str]:
    """Picture id -> what is to be checked, since by these rules the picture was nearly dropped."""
    rules: dict[str, list[str]] = {}
    for row in screened.TABLE.load(root / screened.PATH.format(region=region), ["picture_id", "borderline"]):
        rules.setdefault(row["picture_id"], []).extend(row["borderline"])
    if load_section(Relevance, load_document(root / "params.yaml")).root:
        for row in relevance.TABLE.load(root / relevance.PATH.format(region=region), ["picture_id", "borderline"]):
            rules[row["picture_id"]] += ["relevance"] if row["borderline"] else []
    return {name: f"check its {', '.join(found)}" for name, found in rules.items() if found}


def _picture_source(path: Path) -> Callable[[Collection[str]], Iterator[tuple[str, str, bytes]]]:
    """A function that reads the wanted pictures' bytes, a few at a time."""

    def found(wanted: Collection[str]) -> Iterator[tuple[str, str, bytes]]:
        left = set(wanted)
        columns = ["picture_id", "sha256", "status", "image"]
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS, columns=columns) if left else ():
                for row in batch.to_pylist():
                    if row["picture_id"] in left and row["status"] == "ok":
                        left.remove(row["picture_id"])
                        yield row["picture_id"], row["sha256"], row["image"]

    return found


def _spec(root: Path, region: str, kind: Kind, settings: Labeling) -> ProjectSpec:
    about = _region(root, region)
    choices: dict[str, dict[str, str]] = {}
    if _FORMS[kind] == "pictures":
        choices["subdivision"] = {key: f"{part.name} · {part.local_name}" for key, part in about.subdivisions.items()}
        choices["category"] = {key: key.replace("_", " ") for key in about.keywords}
    path = root / f"annotations/labeling/{_FORMS[kind]}.xml"
    return ProjectSpec(
        title(region, kind),
        read_interface(path, _FORMS[kind], choices),
        _overlap(root, kind, settings),
        _INSTRUCTION + about.notes.strip(),
    )


def _overlap(root: Path, kind: Kind, settings: Labeling) -> int:
    return {"pictures": settings.overlap, "ties": 1, "captions": _auditors(root)}[kind]


def _auditors(root: Path) -> int:
    return load_section(Caption, load_document(root / "params.yaml")).auditors


def _reader(read: Callable[..., answers.Row], form: answers.Form) -> Read:
    return of_result(lambda *arguments: read(form, *arguments))


def _region(root: Path, region: str) -> Region:
    return load_whole_region(root, region)


def _annotate(root: Path) -> Annotate:
    return load_section(Annotate, load_document(root / "params.yaml"))


def _settings(root: Path) -> Labeling:
    settings: Labeling = load_section(Labeling, load_document(root / "params.yaml"))
    min_decisions = _annotate(root).min_decisions
    if settings.overlap < min_decisions:
        raise LabelStudioError(
            f"params.yaml: labeling.overlap is {settings.overlap}, but annotate.min_decisions is {min_decisions}: "
            "no picture would ever be decided; raise the one or lower the other"
        )
    return settings


def forget(server: Server, place: Place, regions: Iterable[str], pictures: Mapping[str, str]) -> int:
    """Take pictures (id -> sha256 of the bytes) from the server: tasks, answers, files; returns the tasks' number."""
    titles = [questions.TITLE, *(title(region, kind) for region in regions for kind in KINDS)]
    deleted = withdraw(server, titles, pictures.keys())
    place.remove(list(pictures.values()))
    return deleted + matches.forget(server, place, pictures.keys())
