"""What a region file must hold."""

from __future__ import annotations

from pathlib import Path

from pydantic import ConfigDict, Field, field_validator

from culturebench.params import RegionError, RegionPart, load_region
from culturebench.params._region import REGIONS_FOLDER, Exclusion, Key, Subdivision, Text, WordList, Words
from culturebench.regions.words import countries, languages, scripts

#: What every region is searched for, so that regions can be compared; a file may add categories of its own.
CATEGORIES = ("architecture", "clothing", "food", "instruments", "crafts", "festivals", "landscape")
CODE = "^[a-z]{2,8}$"


class Region(RegionPart):
    """One whole file of `annotations/regions/`."""

    model_config = ConfigDict(extra="forbid")
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
    placebo_modifiers: Words | None = Field(
        description="modifiers of similar length that say something else: colour, material, size, place; null: none yet"
    )
    exclude: list[Exclusion] = Field(min_length=1)
    notes: Text = Field(description="what annotators of this region must know")
    validated_by: list[Key] = Field(default=[], description="pseudonyms of the experts who validated the subdivisions")

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


def load_whole_region(root: Path, code: str) -> Region:
    """The whole file of a region of the project at `root`; `RegionError` names every mistake in it."""
    folder = root / REGIONS_FOLDER
    region = load_region(Region, code, folder)
    if region.code != code:
        path, other = folder / f"{code}.yaml", folder / f"{region.code}.yaml"
        whose = f"; {region.code!r} is that of {other} already" if other.is_file() else ""
        raise RegionError(f"{path}: code: it must be the file's name, {code!r} (got {region.code!r}){whose}")
    return region
