"""The stages as DVC sees them: their order, what they are for, and what is stale and why. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any, cast

from culturebench.artifacts import code
from culturebench.errors import CultureBenchError


class UnknownName(CultureBenchError):
    """A stage, region or model that the pipeline does not have."""


@dataclass(frozen=True)
class Stage:
    """One stage: `group` is its name in dvc.yaml, `identity` what its command line says (`{"region": "jp"}`)."""

    name: str
    group: str
    identity: Mapping[str, str]
    before: frozenset[str]
    outs: tuple[str, ...]
    changes: Sequence[Any]
    ran: bool


@dataclass(frozen=True)
class StaleStage:
    """A stage that will run, or that may run when a stage before it writes other bytes than last time."""

    stage: str
    certain: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Pipeline:
    """All stages by name, in an order in which they can run."""

    stages: Mapping[str, Stage]

    @staticmethod
    def read(entries: Mapping[str, Mapping[str, Any]]) -> Pipeline:
        """From what `flows._index` prints, without the stage that tells the others' code: it runs always."""
        before = {name: frozenset(entry["before"]) - {code.STAGE} for name, entry in entries.items()}
        before.pop(code.STAGE, None)
        return Pipeline(
            {
                name: Stage(
                    name=name,
                    group=_group(name),
                    identity=_identity(entries[name]["command"]),
                    before=before[name],
                    outs=tuple(entries[name]["outs"]),
                    changes=entries[name]["changes"],
                    ran=entries[name]["ran"],
                )
                for name in _in_order(before)
            }
        )

    @cached_property
    def stale(self) -> dict[str, StaleStage]:
        """The stages that are not up to date, in order.

        A dependency that a stale stage writes is no reason to be certain: that stage may bring the old bytes back.
        """
        stale: dict[str, StaleStage] = {}
        for stage in self.stages.values():
            waiting = sorted(stage.before & stale.keys())
            rewritten = [out for name in waiting for out in self.stages[name].outs]
            changes = list(_changes(stage.changes))
            certain = any(not (kind == "changed deps" and _under(path, rewritten)) for kind, path, _ in changes)
            if changes and not stage.ran:  # DVC calls everything modified that such a stage depends on
                stale[stage.name] = StaleStage(stage.name, True, ("has not run yet",))
            elif changes or waiting:
                after = () if certain else (f"after {name}" for name in waiting)
                stale[stage.name] = StaleStage(stage.name, certain, (*(text for _, _, text in changes), *after))
        return stale

    def select(
        self, targets: Collection[str] = (), regions: Collection[str] = (), models: Collection[str] = ()
    ) -> dict[str, Stage]:
        """The targets and all that they need, in order; everything without targets.

        A target is a stage's full name or that of its group. `regions` and `models` narrow the targets to stages of
        these; what the targets need is never narrowed. Raises `UnknownName`.
        """
        known = {name for stage in self.stages.values() for name in (stage.name, stage.group)}
        self._check("stage", targets, known)
        wanted = {"region": regions, "model": models}
        for kind, names in wanted.items():
            self._check(kind, names, {s.identity[kind] for s in self.stages.values() if kind in s.identity})
        narrow = {kind: set(names) for kind, names in wanted.items() if names}
        goals = [
            stage.name
            for stage in self.stages.values()
            if (not targets or {stage.name, stage.group} & set(targets))
            and all(stage.identity[kind] in names for kind, names in narrow.items() if kind in stage.identity)
            and (targets or not narrow or narrow.keys() & stage.identity.keys())
        ]
        needed = self._with_ancestors(goals)
        return {name: stage for name, stage in self.stages.items() if name in needed}

    def _with_ancestors(self, goals: Iterable[str]) -> set[str]:
        found: set[str] = set()
        queue = list(goals)
        while queue:
            name = queue.pop()
            if name not in found:
                found.add(name)
                queue.extend(self.stages[name].before)
        return found

    @staticmethod
    def _check(kind: str, names: Collection[str], known: set[str]) -> None:
        if unknown := sorted(set(names) - known):
            raise UnknownName(f"no {kind} is called {', '.join(unknown)}; there are: {', '.join(sorted(known))}")


def _identity(command: str) -> dict[str, str]:
    words = shlex.split(command)
    return {word[2:]: value for word, value in pairwise(words) if word.startswith("--")}


def _in_order(before: Mapping[str, frozenset[str]]) -> list[str]:
    """Earlier stages first, a group's stages together unless two groups need each other."""
    groups: dict[str, set[str]] = {}
    for name in sorted(before):
        earlier = {_group(other) for other in before[name]} - {_group(name)}
        groups.setdefault(_group(name), set()).update(earlier)
    stages = list(TopologicalSorter({name: sorted(before[name]) for name in sorted(before)}).static_order())
    try:
        order = list(TopologicalSorter({name: sorted(groups[name]) for name in groups}).static_order())
    except CycleError:
        return stages
    place = {group: number for number, group in enumerate(order)}
    return sorted(stages, key=lambda name: place[_group(name)])


def _group(stage: str) -> str:
    return stage.split("@")[0]


def _under(path: str, outs: Iterable[str]) -> bool:
    """Whether one of the outs is the path, lies in it, or holds it."""
    return any(path == out or path.startswith(f"{out}/") or out.startswith(f"{path}/") for out in outs)


def _changes(changes: Sequence[Any]) -> Iterator[tuple[str, str, str]]:
    """Kind, path and words of every change that DVC names."""
    for change in changes:
        if isinstance(change, str):
            yield change, "", change
            continue
        for kind, items in change.items():
            for path, state in items.items():
                yield from ((kind, path, words) for words in _words(kind, path, state))


def _words(kind: str, path: str, state: Any) -> Iterator[str]:
    if isinstance(state, dict):
        entries = cast(dict[str, str], state)
        yield from (f"{path}: {key} {value}" for key, value in entries.items())
    elif kind == "changed outs" and state in ("deleted", "not in cache"):
        yield f"{path} is not there"
    else:
        yield f"{path} {state}"
