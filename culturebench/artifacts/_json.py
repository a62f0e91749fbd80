"""JSON artifacts: one shape each, sorted keys, rounded floats, written through a temporary name."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from culturebench.artifacts._table import ArtifactError, made_by

DIGITS = 6
T = TypeVar("T")


@dataclass(frozen=True)
class JsonFile(Generic[T]):
    """A JSON artifact of one shape, `T`: `whole` says of parsed content whether it has it, `holds` what it then holds.

    `whole` may raise what reading content of another shape raises.
    """

    stage: str
    holds: str
    whole: Callable[[Any], bool]

    def save(self, path: Path, content: T) -> None:
        """Write the content; `ArtifactError` when it has another shape."""
        self._check(path, content)
        save_json(path, content)

    def load(self, path: Path) -> T:
        """What `save` wrote; `ArtifactError` when the file is missing, damaged or of another shape."""
        content = load_json(path, self.stage)
        self._check(path, content)
        return content

    def _check(self, path: Path, content: Any) -> None:
        try:
            whole = self.whole(content)
        except (AttributeError, IndexError, KeyError, TypeError):
            whole = False
        if not whole:
            raise ArtifactError(f"{path} does not hold {self.holds}; run `dvc repro -f {made_by(path, self.stage)}`")


def maps_to(kind: type) -> Callable[[Any], bool]:
    """For `JsonFile.whole`: an object whose every value is of `kind`."""
    return lambda content: all(isinstance(value, kind) for value in content.values())


def load_json(path: Path, stage: str) -> Any:
    """The parsed file; `ArtifactError` naming `stage` when it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtifactError(f"{path} is missing; run `dvc repro {made_by(path, stage)}`") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ArtifactError(f"{path} is no valid JSON ({error}); run `dvc repro -f {made_by(path, stage)}`") from None


def save_json(path: Path, value: Any) -> None:
    """Write `value` readably; floats keep six digits, and what is not finite becomes null."""
    _write(path, json.dumps(rounded(value), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False))


def save_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a list of flat mappings, one a line, so that Git and people compare them line by line."""
    lines = [json.dumps(rounded(row), sort_keys=True, ensure_ascii=False, allow_nan=False) for row in rows]
    _write(path, "[\n" + ",\n".join(lines) + "\n]")


def as_object(value: Any) -> dict[str, Any]:
    """`value` where it is an object, else an empty one."""
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def rounded(value: Any) -> Any:
    """The same structure with floats rounded to six digits, -0.0 as 0.0 and NaN or infinity as None."""
    if isinstance(value, float):
        return round(value, DIGITS) + 0.0 if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): rounded(item) for key, item in cast(dict[Any, Any], value).items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in cast(list[Any], value)]
    return value


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text + "\n", encoding="utf-8")
    temporary.replace(path)
