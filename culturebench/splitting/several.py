"""Pictures that several regions claim: CultureVQA has one right answer, so each picture is of one region or of none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

SEVERAL = "several_regions"


@dataclass(frozen=True)
class Claim:
    """A picture that a region keeps, and the group of copies that it belongs to, in whatever region they are."""

    region: str
    picture_id: str
    group: str
    provisional: bool


def several_regions(claims: Iterable[Claim]) -> set[tuple[str, str]]:
    """(region, picture id) of all claims that fail: more than one region keeps the picture or a copy of it.

    Where experts of one region alone have decided to keep it, it is that one's, and provisional claims fail.
    """
    by_group: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_group[claim.group].append(claim)
    failed: set[tuple[str, str]] = set()
    for group in by_group.values():
        regions = {claim.region for claim in group}
        decided = {claim.region for claim in group if not claim.provisional} or regions
        owner = decided if len(decided) == 1 else set[str]()
        failed |= {(claim.region, claim.picture_id) for claim in group if claim.region not in owner}
    return failed
