"""What a release says of itself in numbers, and what it knows that it lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from culturebench.release.contents import Part
from culturebench.release.markdown import words

#: A region of fewer pictures is named as a gap: at 300 its split ratios still vary by 8 points.
SMALL = 300
#: A subdivision with a larger share of its region is named.
LARGE_SHARE = 0.5


@dataclass
class RegionCounts:
    """One region's released pictures."""

    code: str
    country: str
    language: str
    splits: Counter[str] = field(default_factory=Counter[str])
    subdivisions: Counter[str] = field(default_factory=Counter[str])
    licences: Counter[str] = field(default_factory=Counter[str])
    sources: Counter[str] = field(default_factory=Counter[str])
    captions_by: Counter[str] = field(default_factory=Counter[str])
    agreements: list[float] = field(default_factory=list[float])
    decisions: int = 0
    provisional: int = 0
    without_english: int = 0

    @property
    def pictures(self) -> int:
        """In all splits."""
        return self.splits.total()

    @property
    def agreement(self) -> float | None:
        """Mean share of the decisions on a picture that agree with its verdict; None without decisions."""
        return sum(self.agreements) / len(self.agreements) if self.agreements else None

    def add(self, part: Part) -> None:
        """Count the pictures of one side."""
        self.provisional += part.provisional
        for row in part.rows:
            self.splits[part.split] += 1
            self.subdivisions[row["subdivision"]] += 1
            self.licences[row["licence"]] += 1
            self.sources[row["source"]] += 1
            self.captions_by[row["captions_by"]] += 1
            self.decisions += row["decisions"]
            self.agreements += [row["agreement"]] if row["decisions"] else []
            self.without_english += not (row["cultural_en"] and row["noun_en"])


def total(regions: Sequence[RegionCounts], name: str) -> dict[str, int]:
    """The counters `name` of all regions together, the most frequent first."""
    summed: Counter[str] = Counter()
    for region in regions:
        summed.update(getattr(region, name))
    return dict(sorted(summed.items(), key=lambda item: (-item[1], item[0])))


def gaps(
    regions: Sequence[RegionCounts], subdivisions: Mapping[str, Mapping[str, Any]], unvalidated: Collection[str] = ()
) -> Iterator[str]:
    """One sentence for each thing that the data lack, as far as the data themselves can tell.

    `subdivisions` are those of the region files: region code -> key -> anything; `unvalidated` the codes of regions
    whose subdivisions no expert has validated.
    """
    if any("atlas" in region.sources for region in regions):
        yield (
            "Pictures whose source is `atlas` were drawn by the project's own program to test it, and the decisions on "
            "them are made up as well. They show no real object, and results on them say nothing of a published model."
        )
    for region in regions:
        where = f"{words(region.country)} (`{region.code}`)"
        if region.pictures < SMALL:
            yield f"{where} has {region.pictures} pictures, fewer than {SMALL}."
        empty = [split for split in ("train", "test", "detect") if not region.splits[split]]
        if empty:
            yield f"{where} has no picture in {', '.join(empty)}."
        missing = sorted(key for key in subdivisions[region.code] if not region.subdivisions[key])
        if missing:
            yield f"{where} has no picture of {', '.join(missing)}."
        name, count = max(region.subdivisions.items(), key=lambda item: (item[1], item[0]), default=("", 0))
        if name and count > LARGE_SHARE * region.pictures:
            yield f"{where}: {count} of {region.pictures} pictures show one subdivision, {name}."
        if region.subdivisions[""]:
            yield f"{where}: {region.subdivisions['']} pictures belong to no subdivision of the region file."
        if region.code in unvalidated:
            yield f"{where}: no expert has validated its subdivisions."
        if region.provisional:
            yield f"{where}: {region.provisional} pictures without a verdict were left out."
        if region.without_english:
            yield f"{where}: {region.without_english} pictures lack an English rendering of a caption."
    machines = sum(count for name, count in total(regions, "captions_by").items() if "human" not in name.split("+"))
    if machines:
        yield f"{machines} pictures have no caption that a person wrote or marked; `captions_by` names who wrote them."
