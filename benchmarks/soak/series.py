"""Series of kills on one workspace, each with what has to hold after every kill and at its end."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import yaml

from benchmarks.soak.kill import BIN, SoakError, aimed, in_stage, killed, run_to_its_end
from benchmarks.soak.places import CHECKPOINT, COPY, IN_A_RUN, TASK, Place
from flows._times import Times
from flows.whole import OBJECTS, is_whole, look_at_everything, object_path, recorded
from workspace import Workspace

REPRO = (str(BIN / "culturebench"), "repro")
FLOW = (sys.executable, "-c", "from flows.reproduce import reproduce; reproduce()")
EXPERIMENT = (
    sys.executable, "-c",
    "from flows.reproduce import reproduce; reproduce(targets=['evaluate'], overrides={'evaluate.seed': 1})",
)  # fmt: skip
MOMENT = "at a moment within a stage"


@dataclass
class Series:
    """What one series did: kills by place, and the seconds that it took."""

    kills: Counter[str] = field(default_factory=Counter)
    runs: int = 0  # workspaces that came to their end

    @property
    def total(self) -> int:
        """All kills."""
        return sum(self.kills.values())

    def met(self, place: str, met: bool) -> bool:
        """Count a kill, unless the command had ended before; returns `met`."""
        if met:
            self.kills[place] += 1
        return met


def of_runs(finished: Workspace, folder: Path, kills: int, random: Random) -> Series:
    """Kills over all stages of a run, every second one at a place; the end is compared with the undisturbed bytes."""
    series = Series()
    order, seconds = list(finished.lock()), Times.read(str(finished.root / ".dvc/tmp"))
    for workspace in _workspaces(Workspace.fresh, folder, series, kills, finished):
        while series.total < kills:
            done = _lock(workspace)
            left = [stage for stage in order if stage not in done]
            stage = _ahead(left, kills - series.total, random)
            if series.total % 2 or not stage:
                place = random.choice(IN_A_RUN)
                met = aimed(workspace, REPRO, place, random.randint(1, place.most))
                name = place.name
            else:
                within = random.uniform(0, 1.2 * (seconds.of(stage) or 0.0) + 0.3)
                met = killed(workspace, REPRO, in_stage(workspace, stage, within))
                name = MOMENT
            compare(workspace, finished)
            if not series.met(name, met):
                break
    return series


def _ahead(left: list[str], kills: int, random: Random) -> str:
    """One of the next stages, so that so many kills come to the end of them; "" when none is left."""
    step = max(1, len(left) // kills)
    return left[min(len(left) - 1, random.randrange(2 * step))] if left else ""


def of_checkpoints(finished: Workspace, folder: Path, kills: int, random: Random) -> Series:
    """Kills in the training of an enhancer, whose states lie in the store."""
    return _again(finished, folder, kills, random, CHECKPOINT, REPRO, _without_enhancer)


def of_flows(finished: Workspace, folder: Path, kills: int, random: Random) -> Series:
    """Kills of the Prefect flow, while a stage under one of its tasks writes."""
    return _again(finished, folder, kills, random, TASK, FLOW, _without_report)


def of_experiments(finished: Workspace, folder: Path, kills: int, random: Random) -> Series:
    """Kills while a flow copies the workspace for an experiment: the workspace itself stays as it is."""
    series = Series()
    workspace = finished.copy(folder)
    workspace.commit()
    before = (workspace.root / "dvc.lock").read_bytes()
    while series.total < kills:
        series.met(COPY.name, aimed(workspace, EXPERIMENT, COPY, random.randint(1, COPY.most)))
        if (workspace.root / "dvc.lock").read_bytes() != before:
            raise SoakError("an experiment's kill changed the workspace's dvc.lock")
        compare(workspace, finished)
    run_to_its_end(workspace, EXPERIMENT)
    if left := [path.name for path in (workspace.root / ".dvc/tmp").glob("experiment-*")]:
        raise SoakError(f"copies of killed experiments are never removed: {left}")
    end(workspace, finished)
    series.runs += 1
    return series


def _again(
    finished: Workspace, folder: Path, kills: int, random: Random, place: Place, command: tuple[str, ...],
    undo: Callable[[Workspace], None],
) -> Series:  # fmt: skip
    """Kills at the places of a command that goes over what `undo` took back, until there are enough."""
    series = Series()

    def undone(to: Path) -> Workspace:
        workspace = finished.copy(to)
        undo(workspace)
        return workspace

    for workspace in _workspaces(undone, folder, series, kills, finished):
        while series.total < kills:
            met = aimed(workspace, command, place, random.randint(1, place.most))
            compare(workspace, finished)
            if not series.met(place.name, met):
                break
    return series


def _workspaces(
    make: Callable[[Path], Workspace], folder: Path, series: Series, kills: int, finished: Workspace
) -> Iterator[Workspace]:
    """One workspace after another, each brought to its end undisturbed afterwards, until there are enough kills."""
    for number in count():
        workspace = make(folder / str(number))
        yield workspace
        end(workspace, finished)
        series.runs += 1
        if series.total >= kills:
            return
        if number > 20 and not series.kills:
            raise SoakError("the command always ends before it is met")


def _without_enhancer(workspace: Workspace) -> None:
    """Take back one enhancer's training: out, record, run cache and states."""
    _forget(workspace, "train_enhancer")


def _without_report(workspace: Workspace) -> None:
    _forget(workspace, "evaluate", "report", "measure")


def _forget(workspace: Workspace, *groups: str) -> None:
    """What DVC and the store know of the groups' stages, and all results that are kept, are gone."""
    path = workspace.root / "dvc.lock"
    document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    gone = {name for name in document["stages"] if name.partition("@")[0] in groups}
    document["stages"] = {name: entry for name, entry in document["stages"].items() if name not in gone}
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    for folder in (workspace.root / ".dvc/cache/runs", workspace.store):
        for file in sorted(folder.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()


def _lock(workspace: Workspace) -> dict[str, str]:
    """Stage -> anything, as far as a lock that a kill may have cut says."""
    path = workspace.root / "dvc.lock"
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))["stages"] if path.exists() else {}
    except (yaml.YAMLError, TypeError, KeyError):
        return {}


def compare(workspace: Workspace, finished: Workspace) -> None:
    """What stages have written until now, against the undisturbed bytes; `SoakError` says what differs."""
    if not _lock(workspace):
        return
    noted, wanted = recorded(workspace.root / "dvc.lock"), recorded(finished.root / "dvc.lock")
    if wrong := sorted(path for path, name in noted.items() if wanted.get(path) != name):
        raise SoakError(f"other bytes than those of an undisturbed run: {wrong}")
    objects = workspace.root / ".dvc/cache" / OBJECTS
    if damaged := sorted(path for path, name in noted.items() if not is_whole(object_path(objects, name))):
        raise SoakError(f"damaged in DVC's cache: {damaged}")


def end(workspace: Workspace, finished: Workspace) -> None:
    """The last run, which nobody disturbs."""
    run_to_its_end(workspace, REPRO)
    if workspace.lock() != finished.lock():
        raise SoakError("the last run's dvc.lock is not that of an undisturbed run")
    if changed := look_at_everything(workspace.root, workspace.root / ".dvc/cache").changed:
        raise SoakError(f"outs that are not what dvc.lock says: {changed}")
