"""The hashes of every out of the shipped run, committed with each version: what another machine's run is held to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from culturebench.errors import CultureBenchError
from culturebench.numerics import kind
from flows import dvc, whole
from flows.pipeline import Pipeline

PATH = Path("reference.json")


class NoReference(CultureBenchError):
    """A reference that is missing or damaged, or that cannot be made of what is here."""


@dataclass(frozen=True)
class Comparison:
    """Counts of outs; `first` maps the stages at which a difference arises to their outs that differ, in order."""

    made_on: str
    equal: int
    different: int
    missing: int
    first: Mapping[str, tuple[str, ...]]


def write(root: Path) -> int:
    """Make what is here the reference; the number of outs. `NoReference` while any stage is stale."""
    pipeline = dvc.look(root=root)
    if pipeline.stale:
        raise NoReference(f"{len(pipeline.stale)} stages are not up to date; run `culturebench repro` first")
    names = whole.recorded(root / "dvc.lock")
    outs = {out: names[out] for stage in pipeline.stages.values() for out in stage.outs if out in names}
    content = {"made_on": kind(), "outs": dict(sorted(outs.items()))}
    (root / PATH).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return len(outs)


def compare(root: Path) -> Comparison:
    """What dvc.lock says beside the reference; `NoReference` without one."""
    made_on, expected = _read(root / PATH)
    pipeline, found = dvc.graph(root=root), whole.recorded(root / "dvc.lock")
    different = {name for name, noted in expected.items() if name in found and found[name] != noted}
    missing = expected.keys() - found.keys()
    first = dict(_first(pipeline, different))
    return Comparison(made_on, len(expected) - len(different) - len(missing), len(different), len(missing), first)


def _first(pipeline: Pipeline, different: set[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Stages whose outs differ and before which none does."""
    behind: set[str] = set()
    for stage in pipeline.stages.values():
        outs = tuple(out for out in stage.outs if out in different)
        if outs and not stage.before & behind:
            yield stage.name, outs
        if outs or stage.before & behind:
            behind.add(stage.name)


def _read(path: Path) -> tuple[str, dict[str, str]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return content["made_on"], {str(name): str(noted) for name, noted in content["outs"].items()}
    except FileNotFoundError:
        raise NoReference(
            f"there is no {PATH}; `culturebench verify --make-reference` writes it after a whole run"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NoReference(f"{PATH} cannot be read; `git checkout -- {PATH}` brings it back") from None
