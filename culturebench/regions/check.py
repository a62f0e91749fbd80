"""Whether region files are in order, one by one and among themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from culturebench.errors import CultureBenchError
from culturebench.params._region import REGIONS_FOLDER, Words
from culturebench.regions.model import Region, load_whole_region
from culturebench.regions.words import scripts, strangers


@dataclass(frozen=True)
class Checked:
    """What was found: `errors` stop a run, `warnings` are for a person to look at.

    `unvalidated` are the codes of regions whose subdivisions no expert has validated.
    """

    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    unvalidated: tuple[str, ...]


def codes(root: Path) -> list[str]:
    """The codes of all region files, sorted."""
    return sorted(path.stem for path in (root / REGIONS_FOLDER).glob("*.yaml"))


def check(root: Path, chosen: Iterable[str]) -> Checked:
    """Check the files of the `chosen` regions, each by itself and that no two share a judge label."""
    errors: list[str] = []
    warnings: list[str] = []
    regions: dict[Path, Region] = {}
    for code in chosen:
        try:
            regions[root / REGIONS_FOLDER / f"{code}.yaml"] = load_whole_region(root, code)
        except CultureBenchError as error:
            errors += str(error).splitlines()
    for path, region in regions.items():
        warnings += [f"{path}: {line}" for line in _odd_letters(region)]
    errors += _claimed_twice(regions)
    unvalidated = tuple(region.code for region in regions.values() if not region.validated_by)
    return Checked(tuple(errors), tuple(warnings), unvalidated)


def _claimed_twice(regions: dict[Path, Region]) -> Iterator[str]:
    first: dict[str, Path] = {}
    for path, region in regions.items():
        if first.setdefault(region.judge_label, path) != path:
            yield f"{path}: judge_label: {region.judge_label!r} is that of {first[region.judge_label]} already"


def _odd_letters(region: Region) -> Iterator[str]:
    for key, words in _all_words(region):
        for name, terms, script in (("local", words.local, region.script), ("en", words.en, "Latn")):
            for term in terms:
                if letters := strangers(term, script):
                    yield f"{key}.{name}: {term!r} has letters that are not {scripts()[script]}: {letters}"


def _all_words(region: Region) -> Iterator[tuple[str, Words]]:
    yield from ((f"keywords.{category}", words) for category, words in region.keywords.items())
    yield from ((f"subdivisions.{key}.keywords", part.keywords) for key, part in region.subdivisions.items())
    yield "modifiers", region.modifiers
    yield "neutral_modifiers", region.neutral_modifiers
    if region.placebo_modifiers:
        yield "placebo_modifiers", region.placebo_modifiers
