"""The flow that brings experts' answers into the workspace, on a schedule or woken by Label Studio's webhook."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact
from prefect.events import emit_event
from pydantic import BaseModel, ConfigDict, Field

from culturebench.annotation.consensus import majority
from culturebench.annotation.decisions import Decision
from culturebench.annotation.lines import read_lines
from culturebench.annotation.study import FOLDER
from culturebench.errors import CultureBenchError
from culturebench.label_studio import matches, questions, region as work, study
from culturebench.label_studio.client import Server
from culturebench.label_studio.connect import connect
from culturebench.label_studio.pull import Pulled
from culturebench.params import load_document
from flows import shown
from flows.publish import commit_to_branch
from flows.redact import redactor
from flows.reproduce import reproduce
from flows.workspace import only_writer

#: Where the commits of answers go.
BRANCH = "annotations"
#: The projects of all regions, whose answers `judge_reliability` compares judges with.
MATCHES, QUESTIONS = "matches", "questions"
#: The blocks of the study; the stage `study` reads their answers.
STUDY = "study"
#: The event for automations; its payload says how many pictures there are.
QUOTA_MET = "culturebench.quota-met"


class Git(BaseModel):
    """What becomes of new answers in Git."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    commit: bool = Field(default=False, description="commit them on the branch `annotations`, with a message")


@flow(name="sync_annotations", persist_result=False)
def sync_annotations(
    regions: list[str] | None = None,
    quota: int | None = None,
    git: Git = Git(),  # noqa: B008, it is frozen
    publish: Literal["none", "branch"] = "none",
    root: Path = Path(),
) -> dict[str, int]:
    """Pull the answers; a region that got new ones and has its quota brings the pipeline up to date.

    Returns the lines that changed, by region, of `matches`, `questions` and `study`, whose answers alone start no run.

    Args:
        regions: Codes; by default all of params.yaml.
        quota: Pictures that most of at least `annotate.min_decisions` experts keep, from which on a region is worth a
            run; none: never run anything.
        git: `commit: true` commits the files that changed on the branch `annotations`.
        publish: As in `reproduce`, for the run at the end.
        root: The workspace.
    """
    logger = get_run_logger()
    document = load_document(root / "params.yaml")
    chosen = regions or list(document["regions"])
    if unknown := sorted(set(chosen) - set(document["regions"])):
        raise CultureBenchError(f"not in `regions` of params.yaml: {', '.join(unknown)}")
    server, _ = connect(os.environ)
    with only_writer(root, logger.info):
        changed = {region: _pull(root, server, region) for region in chosen}
        changed[MATCHES] = _changed(MATCHES, matches.pull(root, server))
        changed[QUESTIONS] = _changed(QUESTIONS, questions.pull(root, server))
        if study.is_planned(root):
            changed[STUDY] = sum(_changed(f"{STUDY} {name}", one) for name, one in study.pull(root, server).items())
        if git.commit and any(changed.values()):
            logger.info("Committed as %s.", _commit(root, {name: n for name, n in changed.items() if n}))
    met = [region for region in chosen if changed[region] and _met(root, region, quota)]
    rows = [{"region": name, "changed lines": n, "quota met": name in met} for name, n in changed.items()]
    create_table_artifact(shown.cells(rows), key="annotations", description="Answers that came from Label Studio.")
    if met:
        reproduce(publish=publish, root=root)
    return changed


def _pull(root: Path, server: Server, region: str) -> int:
    """Bring both of a region's files up to date; returns how many lines changed."""
    kinds: tuple[work.Kind, ...] = ("pictures", "captions")
    return sum(_changed(f"{region} {kind}", work.pull(root, server, region, kind)) for kind in kinds)


def _changed(name: str, pulled: Pulled) -> int:
    """How many lines changed; what could not be used is told."""
    logger, redact = get_run_logger(), redactor()
    for problem in pulled.problems:
        logger.warning("%s: %s", name, redact(problem))
    changed = pulled.new + pulled.changed + pulled.withdrawn
    if changed:
        logger.info("%s: %d lines changed.", name, changed)
    return changed


def _commit(root: Path, changed: dict[str, int]) -> str:
    names = [name for code in changed for name in _files(root, code)]
    files = {name: root / name for name in names if (root / name).is_file()}
    what = ", ".join(f"{region} {number}" for region, number in sorted(changed.items()))
    return commit_to_branch(root, BRANCH, files, f"Answers of experts: {what}")


def _files(root: Path, code: str) -> list[str]:
    """What the answers of a region, of the judges' questions or of the study are written to."""
    if code == STUDY:
        return [path.relative_to(root).as_posix() for path in sorted((root / FOLDER).glob("*.jsonl"))]
    if code == QUESTIONS:
        return [questions.ANSWERS]
    if code == MATCHES:
        return [matches.ANSWERS]
    return [template.format(region=code) for template in (work.DECISIONS, work.CAPTIONS)]


def _met(root: Path, region: str, quota: int | None) -> bool:
    if quota is None:
        return False
    min_decisions = int(load_document(root / "params.yaml")["annotate"]["min_decisions"])
    kept = _kept(root, region, min_decisions)
    get_run_logger().info("%s: %d pictures are kept; the quota is %d.", region, kept, quota)
    if kept < quota:
        return False
    resource = {"prefect.resource.id": f"culturebench.region.{region}"}
    emit_event(QUOTA_MET, resource=resource, payload={"region": region, "kept": kept, "quota": quota})
    return True


def _kept(root: Path, region: str, min_decisions: int) -> int:
    """Pictures that most of at least so many experts keep."""
    votes: dict[str, list[Decision]] = {}
    for _, decision in read_lines(root / work.DECISIONS.format(region=region), Decision):
        votes.setdefault(decision.picture_id, []).append(decision)
    return sum(majority(decisions, min_decisions).kept for decisions in votes.values())
