"""What a region file must hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from culturebench.errors import CultureBenchError
from culturebench.params import load_document
from culturebench.regions.words import countries, languages, scripts

#: What every region is searched for, so that regions can be compared; a file may add categories of its own.
CATEGORIES = ("architecture", "clothing", "food", "instruments", "crafts", "festivals", "landscape")
CODE = "^[a-z]{2,8}$"


class RegionError(CultureBenchError):
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


class Region(_Part):
    """One file of `annotations/regions/`."""

    code: str = Field(pattern=CODE, description="the file's name")
    country: Text = Field(description="a country, or a group of countries that share a language")
    iso: WordList = Field(description="ISO 3166 codes of two letters")
    judge_label: Text = Field(description="what a judge can choose in CultureVQA")
    language: str = Field(description="ISO 639 code")
    script: str = Field(description="ISO 15924 code")
    keywords: dict[Key, Words] = Field(description="category -> search words")
    subdivisions: dict[Key, Subdivision] = Field(min_length=3, description="key -> a part of the region's culture")
    modifiers: Words = Field(description="culture-style modifiers, as a caption carries them")
    neutral_modifiers: Words = Field(description="modifiers of similar length without a culture")
    exclude: list[Exclusion] = Field(min_length=1)
    notes: Text = Field(description="what annotators of this region must know")

    @field_validator("iso")
    @classmethod
    def _countries_exist(cls, codes: list[str]) -> list[str]:
        unknown = [code for code in codes if code not in countries()]
        if unknown:
            raise ValueError(f"not a country of ISO 3166: {', '.join(unknown)}; such as VN or MA")
        return codes

    @field_validator("language")
    @classmethod
    def _language_exists(cls, code: str) -> str:
        if code not in languages():
            raise ValueError("unknown language; an ISO 639 code is needed, such as vi or ar")
        return code

    @field_validator("script")
    @classmethod
    def _script_exists(cls, code: str) -> str:
        if code not in scripts():
            raise ValueError("unknown script; an ISO 15924 code is needed, such as Latn or Arab")
        return code

    @field_validator("keywords")
    @classmethod
    def _every_category(cls, keywords: dict[str, Words]) -> dict[str, Words]:
        missing = [category for category in CATEGORIES if category not in keywords]
        if missing:
            raise ValueError(f"missing: {', '.join(missing)}; every region has {', '.join(CATEGORIES)}")
        return keywords


def load_region_file(path: Path) -> Region:
    """The file at `path`, checked; `RegionError` names every key that is wrong, its value, and what is allowed."""
    try:
        region = Region.model_validate(load_document(path))
    except ValidationError as error:
        raise RegionError("\n".join(f"{path}: {line}" for line in _lines(error))) from None
    if region.code != path.stem:
        other = path.with_name(f"{region.code}.yaml")
        whose = f"; {region.code!r} is that of {other} already" if other.is_file() else ""
        raise RegionError(f"{path}: code: it must be the file's name, {path.stem!r} (got {region.code!r}){whose}")
    return region


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
