"""Several real pictures, one of which shows the region that is named: the form of the published comparison."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from culturebench.annotation.matches import Match
from culturebench.artifacts.answers import UNPARSEABLE
from culturebench.atlas import people
from culturebench.judging.base import shuffled
from culturebench.reliability.compare import Given
from culturebench.reliability.questions import select

if TYPE_CHECKING:
    from culturebench.artifacts._scene import SceneRow
    from culturebench.artifacts.answers import AnswerRow
    from culturebench.artifacts.splits import SplitRow


@dataclass(frozen=True)
class Matching:
    """One question: ids of the pictures in the order shown, the one of them that is right, and the region named."""

    region: str
    right: str
    pictures: tuple[str, ...]

    @property
    def question_id(self) -> str:
        """Hash of the region and of the pictures in their order: an answer belongs to exactly this question."""
        return hashlib.sha256("/".join((self.region, *self.pictures)).encode()).hexdigest()


def matchings(
    rows: Iterable[SplitRow], regions: Sequence[str], per_region: int, count: int, seed: int
) -> list[Matching]:
    """A question on each of the first `per_region` test pictures of each region, among `count` pictures.

    The others are of other regions, drawn by `seed`, each of another one while there are enough, and no two pictures of
    a question are of one group of near-duplicates. Nothing is asked where there is no other picture to choose. A region
    or a picture that joins changes few questions. Of the rows `picture_id`, `region` and `group` are read.
    """
    rows = list(rows)
    found = (_matching(row, rows, count, seed) for row in select(rows, regions, per_region))
    return [one for one in found if len(one.pictures) > 1]


def _matching(row: SplitRow, rows: Sequence[SplitRow], count: int, seed: int) -> Matching:
    name = row["picture_id"]
    by_region: dict[str, list[SplitRow]] = {}
    for other in rows:
        if other["region"] != row["region"]:
            by_region.setdefault(other["region"], []).append(other)
    ranked: list[list[SplitRow]] = []
    for region in shuffled(list(by_region), seed, f"{name}/regions", 0):
        own = {other["picture_id"]: other for other in by_region[region]}
        ranked.append([own[one] for one in shuffled(list(own), seed, f"{name}/pictures", 0)])
    shown, groups = [name], {row["group"]}
    for other in (one for some in zip_longest(*ranked) for one in some if one is not None):
        if len(shown) < count and other["group"] not in groups:
            shown.append(other["picture_id"])
            groups.add(other["group"])
    return Matching(row["region"], name, tuple(shuffled(shown, seed, f"{name}/order", 0)))


def by_region(rows: Sequence[AnswerRow], regions: Mapping[str, str]) -> list[AnswerRow]:
    """A judge's answers with the region of the picture that it chose; `regions`: picture id -> region."""
    return [{**row, "answer": regions.get(row["answer"], UNPARSEABLE)} for row in rows]


def given(matches: Iterable[Match], asked: Sequence[Matching], regions: Mapping[str, str]) -> tuple[list[Given], int]:
    """People's answers to the questions asked, as regions; and how many were answers to other questions."""
    known = {one.question_id for one in asked}
    matches = list(matches)
    own = [
        Given(one.question_id, one.annotator, regions[one.answer], one.options)
        for one in matches
        if one.question_id in known
    ]
    return own, len(matches) - len(own)


def scripted_matches(asked: Matching, scenes: Mapping[str, SceneRow | None]) -> list[Match]:
    """What scripted people say of pictures that were drawn; none where one of them is real."""
    drawn = {name: scene["region"] for name in asked.pictures if (scene := scenes[name]) is not None}
    if len(drawn) < len(asked.pictures):
        return []
    shows = next((name for name in asked.pictures if drawn[name] == asked.region), "")
    said = people.answers(asked.question_id, shows, asked.pictures)
    return [
        Match(question_id=asked.question_id, annotator=who, region=asked.region, answer=one,
              options=list(asked.pictures))
        for who, one in said.items()
    ]  # fmt: skip
