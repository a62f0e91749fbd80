"""The atlas's trained classifiers as judges."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from culturebench.artifacts.answers import UNRECOGNIZABLE
from culturebench.atlas.judges import AtlasJudge, no_region
from culturebench.judging.base import Answer

DIGITS = 4


class AtlasClassifier:
    """Answers with the option of the highest score; a plain picture is unrecognizable."""

    def __init__(self, folder: Path, served_model: str) -> None:
        """`served_model` is stored with every answer."""
        self._judge = AtlasJudge(folder)
        self._served_model = served_model

    def answer(self, images: Sequence[Image.Image], options: Sequence[Sequence[str]]) -> list[Answer]:
        """One answer per picture; the raw reply is the JSON of all scores."""
        replies = self._judge.answer(list(images))
        return [
            Answer(best_option(reply.region_scores, shown), reply.object, _raw(reply.region_scores), self._served_model)
            for reply, shown in zip(replies, options, strict=True)
        ]

    def pick(
        self, images: Sequence[Sequence[Image.Image]], options: Sequence[Sequence[str]], regions: Sequence[str]
    ) -> list[Answer]:
        """Of each question's pictures the one with the highest score of its region; raw: their scores as JSON."""
        replies = iter(self._judge.answer([image for shown in images for image in shown]))
        answers: list[Answer] = []
        for shown, region in zip(options, regions, strict=True):
            own = [next(replies) for _ in shown]
            scores = [reply.region_scores.get(region, -1.0) for reply in own]
            best = max(range(len(own)), key=scores.__getitem__)
            raw = json.dumps([round(score, DIGITS) for score in scores])
            answers.append(Answer(shown[best], own[best].object, raw, self._served_model))
        return answers


def best_option(scores: Mapping[str, float], options: Sequence[str]) -> str:
    """The option with the highest score; the first shown wins a tie, and a region the judge never learned has none.

    "Unrecognizable" has the scores of a plain object and of what is no region's ornament together.
    """
    return max(options, key=lambda option: no_region(scores) if option == UNRECOGNIZABLE else scores.get(option, -1.0))


def _raw(scores: Mapping[str, float]) -> str:
    return json.dumps({name: round(score, DIGITS) for name, score in scores.items()}, sort_keys=True)
