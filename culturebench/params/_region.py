"""Region files: the one place that reads them. Who reads one says by a model which of its keys it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from culturebench.params._base import ParamsError, load_document

REGIONS_FOLDER = Path("annotations/regions")


class RegionError(ParamsError):
    """A region file that cannot be used; the message has a line for each mistake."""


def _no_term_twice(terms: list[str]) -> list[str]:
    if not terms:
        raise ValueError("it is empty; write at least one")
    twice = sorted({term for term in terms if terms.count(term) > 1})
    if twice:
        raise ValueError(f"stands twice: {', '.join(twice)}")
    return terms


Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Key = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_]*$")]
WordList = Annotated[list[Text], AfterValidator(_no_term_twice)]


class RegionPart(BaseModel):
    """Keys of a region file, a field each; those without a field are not looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(_Part):
    """Words or phrases in the region's language, and in English."""

    local: WordList
    en: WordList


class Subdivision(_Part):
    """A regional style, an ethnic tradition or a distinctive ornament."""

    name: Text = Field(description="for people who read English")
    local_name: Text = Field(description="as the community itself says")
    keywords: Words


class Exclusion(_Part):
    """What searches find and nobody should keep, and why."""

    what: Text
    reason: Text


P = TypeVar("P", bound=RegionPart)


def load_region(part: type[P], code: str, folder: Path = REGIONS_FOLDER) -> P:
    """The keys of a region file that `part` names; `RegionError` names every wrong one, its value, what is allowed."""
    path = folder / f"{code}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(path.stem for path in folder.glob("*.yaml")))
        raise RegionError(f"region {code!r} has no file {path}; regions with a file: {known}")
    try:
        return part.model_validate(load_document(path))
    except ValidationError as error:
        raise RegionError("\n".join(f"{path}: {line}" for line in _lines(error))) from None


def _lines(error: ValidationError) -> list[str]:
    return [f"{'.'.join(str(part) for part in item['loc'])}: {_sentence(item)}" for item in error.errors()]


def _sentence(item: Any) -> str:
    kind, value = item["type"], item["input"]
    if kind == "extra_forbidden":
        return "unknown key; remove it"
    if kind == "missing":
        return "it is missing; add it"
    if kind == "too_short":
        return f"{item['ctx']['min_length']} or more are needed (got {item['ctx']['actual_length']})"
    if kind == "string_type" and isinstance(value, bool):
        return f"YAML reads this word as {value}; put it in quotes"
    said = item["msg"].removeprefix("Value error, ")
    return said if isinstance(value, list | dict) else f"{said} (got {value!r})"
