"""Files of one JSON object a line, written by people or services: every mistake is named by its line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from culturebench.errors import CultureBenchError

Model = TypeVar("Model", bound=BaseModel)


class AnnotationError(CultureBenchError):
    """A line of an annotation file that cannot be used."""


def read_lines(path: Path, model: type[Model]) -> Iterator[tuple[int, Model]]:
    """Line number and validated object of every line that is not empty; nothing when the file is missing.

    Raises `AnnotationError` with `file:line`.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    for number, raw in enumerate(data.split(b"\n"), start=1):
        if not raw.strip():
            continue
        try:
            yield number, model.model_validate(json.loads(raw.decode("utf-8")))
        except ValidationError as error:
            raise AnnotationError(f"{path}:{number}: {_explain(error)}") from None
        except (ValueError, RecursionError) as error:
            raise AnnotationError(f"{path}:{number}: not a line of JSON: {error}") from None


def _explain(error: ValidationError) -> str:
    parts: list[str] = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"]) or "the line"
        got: Any = "" if item["type"] == "missing" else f" (got {item['input']!r})"
        parts.append(f"`{key}`: {item['msg']}{got}")
    return "; ".join(parts)
