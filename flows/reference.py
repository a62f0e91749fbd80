"""The hashes of every out of the shipped run, committed with each version: what another machine's run is held to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, cast

from culturebench.artifacts import code
from culturebench.errors import CultureBenchError
from flows import dvc, whole
from flows.pipeline import Pipeline
from flows.repair import complaint

PATH = Path("reference.json")
#: Outs that name the machine, and why they are not compared.
LEFT_OUT = {"reports/index.html": "it names the versions of Python and of the libraries that wrote it"}


class NoReference(CultureBenchError):
    """A reference that is missing or damaged, or that cannot be made of what is here or compared with it."""


class Noted(TypedDict):
    """One stage of the reference: short hashes of its command, code, params and files by `MADE_OF`, and its outs."""

    made_of: dict[str, str]
    outs: dict[str, str]


#: What decides a stage's bytes, if its machine does not. Files are those that no stage writes.
MADE_OF = ("command", "code", "parameters", "files")


@dataclass(frozen=True)
class Difference:
    """A stage before which nothing differs: its outs that do, and what of `MADE_OF` is not the reference's."""

    stage: str
    outs: tuple[str, ...]
    made_of: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Counts of outs; `first` are the stages at which a difference arises, in an order in which they can run.

    `made_on` is what the reference was made on: a word for each, such as `torch`, and its value.
    """

    made_on: Mapping[str, str]
    equal: int
    different: int
    missing: int
    first: tuple[Difference, ...]


def write(root: Path, made_on: Mapping[str, str]) -> int:
    """Make what is here the reference; the number of outs. `NoReference` while any stage is stale."""
    pipeline = dvc.look(root=root)
    if pipeline.stale:
        raise NoReference(f"{len(pipeline.stale)} stages are not up to date; run `culturebench repro` first")
    stages = noted(pipeline, _lock(root))
    content = {"made_on": dict(made_on), "left_out": LEFT_OUT, "stages": stages}
    (root / PATH).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return len(_outs(stages))


def compare(root: Path) -> Comparison:
    """What dvc.lock says beside the reference; `NoReference` without one of the two."""
    made_on, expected = _read(root / PATH)
    lock = _lock(root)
    return beside(made_on, expected, dvc.graph(root=root), lock)


def beside(
    made_on: Mapping[str, str], expected: Mapping[str, Noted], pipeline: Pipeline, lock: Mapping[str, Any]
) -> Comparison:
    """The stages of a dvc.lock beside those that were noted elsewhere."""
    found = noted(pipeline, lock)
    here, wanted = _outs(found), _outs(expected)
    different = {out for out, name in wanted.items() if out in here and here[out] != name}
    missing = wanted.keys() - here.keys()
    first = tuple(
        Difference(stage, outs, _others(found[stage]["made_of"], expected[stage]["made_of"]))
        if stage in expected
        else Difference(stage, outs, ("command",))  # another stage wrote them
        for stage, outs in _first(pipeline, different)
    )
    return Comparison(made_on, len(wanted) - len(different) - len(missing), len(different), len(missing), first)


def _first(pipeline: Pipeline, different: Collection[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Stages whose outs differ and before which none does."""
    behind: set[str] = set()
    for stage in pipeline.stages.values():
        outs = tuple(out for out in stage.outs if out in different)
        if outs and not stage.before & behind:
            yield stage.name, outs
        if outs or stage.before & behind:
            behind.add(stage.name)


def _outs(stages: Mapping[str, Noted]) -> dict[str, str]:
    return {out: name for entry in stages.values() for out, name in entry["outs"].items()}


def _others(here: Mapping[str, str], there: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for name in MADE_OF if here[name] != there.get(name))


def noted(pipeline: Pipeline, lock: Mapping[str, Any]) -> dict[str, Noted]:
    """The stages that dvc.lock knows, in order."""
    written = [Path(out) for stage in pipeline.stages.values() for out in stage.outs]
    found: dict[str, Noted] = {}
    for stage in pipeline.stages.values():
        if entry := lock.get(stage.name):
            outs = {out["path"]: out["md5"] for out in entry.get("outs", ()) if out["path"] not in LEFT_OUT}
            found[stage.name] = {"made_of": _made_of(entry, written), "outs": outs}
    return found


def _made_of(entry: Mapping[str, Any], written: Collection[Path]) -> dict[str, str]:
    """Of a stage's entry in dvc.lock."""
    params: dict[str, Any] = dict(entry.get("params", {}))
    of_code = params.pop(code.PATH, {})
    files = {dep["path"]: dep.get("md5", "") for dep in entry.get("deps", ()) if not _meets(Path(dep["path"]), written)}
    values = dict(zip(MADE_OF, (entry.get("cmd", ""), of_code, params, files), strict=True))
    return {name: _digest(value) for name, value in values.items()}


def _meets(path: Path, written: Collection[Path]) -> bool:
    """Whether the dependency is an out, lies in one or holds one: then another stage answers for it."""
    return any(path.is_relative_to(out) or out.is_relative_to(path) for out in written)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _lock(root: Path) -> dict[str, Any]:
    if said := complaint(root):
        raise NoReference(said)
    if found := whole.entries(root / "dvc.lock"):
        return found
    raise NoReference("there is no dvc.lock: nothing has run here; `culturebench repro` runs everything")


def _read(path: Path) -> tuple[dict[str, str], dict[str, Noted]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        made_on = {str(name): str(value) for name, value in content["made_on"].items()}
        stages = {str(name): _stage(entry) for name, entry in content["stages"].items()}
    except FileNotFoundError:
        raise NoReference(
            f"there is no {PATH}; `culturebench verify --make-reference` writes it after a whole run"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NoReference(f"{PATH} cannot be read; `git checkout -- {PATH}` brings it back") from None
    return made_on, stages


def _stage(entry: Any) -> Noted:
    pairs = ({str(name): str(value) for name, value in entry[part].items()} for part in ("made_of", "outs"))
    return cast(Noted, dict(zip(("made_of", "outs"), pairs, strict=True)))
