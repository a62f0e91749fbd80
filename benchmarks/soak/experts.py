"""Kills of `annotate push` and `annotate pull` against a real Label Studio."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from platformdirs import user_cache_dir

from benchmarks.soak.kill import BIN, SoakError, after, killed, run_to_its_end
from benchmarks.soak.series import Series
from culturebench.label_studio import local
from studio import KEEP, Studio, tasks
from workspace import Workspace

DECISIONS = "annotations/decisions/jp.jsonl"
ANSWERED = 12


def of_push(finished: Workspace, folder: Path, kills: int, random: Random) -> Series:
    """However often it is killed, every picture ends with one task."""
    series = Series()
    with _open(finished, folder) as (workspace, studio):
        seconds, wanted = _push(workspace, studio), Counter(tasks(studio).keys())
        while series.total < kills:
            studio.empty()
            while series.total < kills:
                if not series.met("annotate push, at any moment", _killed(workspace, studio, "push", seconds, random)):
                    break
            _push(workspace, studio)
            found = Counter({picture: len(numbers) for picture, numbers in tasks(studio).items()})
            if found != wanted:
                raise SoakError(f"tasks of pictures are not one each: {found - wanted or wanted - found}")
            series.runs += 1
    return series


def of_pull(finished: Workspace, folder: Path, kills: int, random: Random) -> Series:
    """However often it is killed, the file is the one from before or the whole new one."""
    series = Series()
    with _open(finished, folder) as (workspace, studio):
        _push(workspace, studio)
        expert, file = studio.expert("first"), workspace.root / DECISIONS
        for numbers in list(tasks(studio).values())[:ANSWERED]:
            expert.answer(numbers[0], *KEEP)
        before = file.read_bytes()
        seconds, wanted = _timed(workspace, studio, "pull"), file.read_bytes()
        if wanted.count(b"\n") != ANSWERED:
            raise SoakError(f"{ANSWERED} answers became {wanted.count(bytes([10]))} lines")
        while series.total < kills:
            file.write_bytes(before)
            met = _killed(workspace, studio, "pull", seconds, random)
            series.met("annotate pull, at any moment", met)
            if file.read_bytes() not in (before, wanted):
                raise SoakError("a killed pull left half a file")
            _timed(workspace, studio, "pull")
            if file.read_bytes() != wanted:
                raise SoakError("the pull after a killed one wrote other bytes")
            series.runs += 1
    return series


@contextmanager
def _open(finished: Workspace, folder: Path) -> Generator[tuple[Workspace, Studio]]:
    """A copy in which nobody has decided on anything, and a server for it."""
    workspace = finished.copy(folder)
    (workspace.root / DECISIONS).write_bytes(b"")
    studio = Studio.fresh(folder / "studio", local.install(Path(user_cache_dir("culturebench"))))
    try:
        yield workspace, studio
    finally:
        local.stop(studio.home)


def _command(verb: str) -> tuple[str, ...]:
    return (str(BIN / "culturebench"), "annotate", verb, "--region", "jp")


def _keys(studio: Studio) -> dict[str, str]:
    return {"LABEL_STUDIO_URL": studio.entry.url, "LABEL_STUDIO_API_KEY": studio.entry.token,
            "CULTUREBENCH_LABEL_STUDIO": str(studio.home)}  # fmt: skip


def _push(workspace: Workspace, studio: Studio) -> float:
    return _timed(workspace, studio, "push")


def _timed(workspace: Workspace, studio: Studio, verb: str) -> float:
    """The command, undisturbed; the seconds that it took."""
    started = time.monotonic()
    run_to_its_end(workspace, _command(verb), _keys(studio))
    return time.monotonic() - started


def _killed(workspace: Workspace, studio: Studio, verb: str, seconds: float, random: Random) -> bool:
    return killed(workspace, _command(verb), after(random.uniform(0.3, 1.0) * seconds), _keys(studio))
