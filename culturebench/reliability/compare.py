"""What a judge and people answered to the same questions, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from culturebench.annotation.choices import Choice
from culturebench.artifacts.answers import UNPARSEABLE
from culturebench.measures.statistics import Bootstrap, Estimate
from culturebench.measures.units import Units

if TYPE_CHECKING:
    from culturebench.artifacts.answers import AnswerRow
    from culturebench.artifacts.reliability import Annotator, Estimate as Result, Reliability

Key = tuple[str, int]  # (picture id, number of the person, 0 for a judge or the majority)

NOBODY = "nobody has answered on these pictures; run `culturebench annotate push --project {project}`"


@dataclass(frozen=True)
class Given:
    """A person's answer to a question, which is called by its picture or by its own id."""

    picture_id: str
    annotator: str
    answer: str
    options: list[str]


def compare(
    answers: Sequence[AnswerRow], given: Sequence[Choice | Given], bootstrap: Bootstrap, project: str = "questions"
) -> Reliability:
    """What the artifact `reliability` holds of one form: `answers` are one judge's, `given` people's on any pictures.

    An answer that a person gave among other options is another question's, and is counted apart. Both answer with a
    region's code: that which they chose, or that of the picture that they chose. `project` gets people's answers.
    """
    truth = {row["prompt_id"]: row["region"] for row in answers}
    units = Units("prompt", truth)
    shown = {row["prompt_id"]: set(row["options"]) for row in answers}
    on_these = [choice for choice in given if choice.picture_id in truth]
    used = [choice for choice in on_these if set(choice.options) == shown[choice.picture_id]]
    names = sorted({choice.annotator for choice in used})
    said = {(choice.picture_id, names.index(choice.annotator)): choice.answer for choice in used}
    judged = {(row["prompt_id"], 0): row["answer"] for row in answers}
    return {
        "choices": sorted({len(options) for options in shown.values()}),
        "judge": _share(judged, units, bootstrap),
        "unparseable": sum(answer == UNPARSEABLE for answer in judged.values()),
        "people": _share(said, units, bootstrap) if said else None,
        "reason": "" if said else NOBODY.format(project=project),
        "difference": _difference(judged, said, units, bootstrap),
        "agreement": _estimate(bootstrap.kappa(judged, _majority(said), units)),
        "annotators": {name: _of_one(name, used, truth) for name in names},
        "other_options": len(on_these) - len(used),
    }


def _share(said: Mapping[Key, str], units: Units, bootstrap: Bootstrap) -> Result | None:
    return _estimate(bootstrap.mean(_right(said, units), units, share=True))


def _difference(
    judged: Mapping[Key, str], said: Mapping[Key, str], units: Units, bootstrap: Bootstrap
) -> Result | None:
    """Judge minus people, on each picture that both answered; a picture's people count as their mean."""
    right: dict[str, list[float]] = {}
    for (picture, _), score in _right(said, units).items():
        right.setdefault(picture, []).append(score)
    mean = {(picture, 0): sum(one) / len(one) for picture, one in right.items()}
    return _estimate(bootstrap.difference(_right(judged, units), mean, units, share=True))


def _right(said: Mapping[Key, str], units: Units) -> dict[Key, float]:
    return {key: float(answer == units.regions[key[0]]) for key, answer in said.items()}


def _majority(said: Mapping[Key, str]) -> dict[Key, str]:
    """The answer that more people gave than any other; a picture on which they are tied has none."""
    votes: dict[str, Counter[str]] = {}
    for (picture, _), answer in said.items():
        votes.setdefault(picture, Counter())[answer] += 1
    return {
        (picture, 0): first[0]
        for picture, counts in votes.items()
        for first, *rest in [counts.most_common(2)]
        if not rest or rest[0][1] < first[1]
    }


def _of_one(name: str, used: Sequence[Choice | Given], truth: Mapping[str, str]) -> Annotator:
    own = [choice for choice in used if choice.annotator == name]
    return {"answers": len(own), "right": sum(choice.answer == truth[choice.picture_id] for choice in own)}


def _estimate(estimate: Estimate | None) -> Result | None:
    """Value, interval, and how many pictures and answers it rests on."""
    if estimate is None:
        return None
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "pictures": estimate.n_prompts,
        "answers": estimate.n_images,
    }
