"""What each picture scored under each measure, by judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from culturebench.errors import CultureBenchError
from culturebench.evaluation.names import ANGLO, CULTURE, LANGUAGE, NAMED, NEIGHBOUR, OBJECT, PLAIN, UNPARSEABLE
from culturebench.measures.records import measure as record_of

if TYPE_CHECKING:
    from culturebench.artifacts.answers import AnswerRow
    from culturebench.artifacts.measured import MeasuredRow
    from culturebench.artifacts.pictures import PictureRow

Key = tuple[str, int]  # (prompt id, seed)
Scores = dict[Key, float]

NO_OBJECT = "the true object of these pictures is not known"
NOT_ASKED = "the judge was not asked for the object"


class EvaluationError(CultureBenchError):
    """Answers or measurements that do not belong together."""


@dataclass(frozen=True)
class Scored:
    """One measure of one condition by one judge ("" without a judge); `reason` says why there are no scores."""

    judge: str
    measure: str
    scores: Scores = field(default_factory=dict)
    reason: str = ""


def regions_of(pictures: Sequence[PictureRow]) -> dict[str, str]:
    """Prompt id -> region."""
    return {row["prompt_id"]: row["region"] for row in pictures}


def score_answers(
    judge: str, answers: Sequence[AnswerRow], pictures: Sequence[PictureRow], languages: Mapping[str, str], plain: str
) -> list[Scored]:
    """CultureVQA, the shares with any region named and of plain pictures, unparseable replies, the object, by language.

    `languages` maps a region to its language; `plain` is the answer for a picture without culture.
    An answer by language is right when it names any region of that language, and where that is another one than the
    prompt's it is counted on its own as well; only regions that share a language are scored by it.
    """
    _check_option_sets(judge, answers)
    keyed = {(row["prompt_id"], row["seed"]): row for row in answers}
    known = {(row["prompt_id"], row["seed"]) for row in pictures}
    if set(keyed) != known:
        raise EvaluationError(
            f"{judge} answered on {len(keyed)} pictures of {answers[0]['condition'] if answers else 'a condition'}, "
            f"{len(known)} were generated; run `dvc repro judge`"
        )
    spoken = list(languages.values())
    shares = {region: spoken.count(language) > 1 for region, language in languages.items()}
    scored = [
        Scored(judge, CULTURE, {key: float(row["answer"] == row["region"]) for key, row in keyed.items()}),
        Scored(
            judge, NAMED, {k: float(row["answer"] not in (plain, "unparseable", "anglo")) for k, row in keyed.items()}
        ),
        Scored(judge, PLAIN, {key: float(row["answer"] == plain) for key, row in keyed.items()}),
        Scored(judge, UNPARSEABLE, {key: float(row["answer"] == "unparseable") for key, row in keyed.items()}),
        _score_objects(judge, keyed, pictures),
    ]
    if any("anglo" in row["options"] for row in answers):
        scored.append(Scored(judge, ANGLO, {key: float(row["answer"] == "anglo") for key, row in keyed.items()}))
    shared = {
        key: float(languages.get(row["answer"]) == languages[row["region"]])
        for key, row in keyed.items()
        if shares.get(row["region"], False)
    }
    elsewhere = {key: score * (keyed[key]["answer"] != keyed[key]["region"]) for key, score in shared.items()}
    return [*scored, Scored(judge, LANGUAGE, shared), Scored(judge, NEIGHBOUR, elsewhere)] if shared else scored


def same_words(pictures: Iterable[PictureRow]) -> dict[str, str]:
    """Prompt id -> the first, by id, of those that say the same in the same language, where there are several."""
    said: dict[tuple[str, str], set[str]] = {}
    for row in pictures:
        said.setdefault((row["language"], row["prompt"]), set()).add(row["prompt_id"])
    return {name: min(names) for names in said.values() if len(names) > 1 for name in names}


def score_measured(measured: Sequence[MeasuredRow]) -> list[Scored]:
    """The measures of the stage measure; one that was run on no picture keeps its reason.

    `MeasureError` for a measure of which nobody says which of two values is the better one.
    """
    scored = []
    for measure in sorted({record_of(row["measure"]).name for row in measured}):
        rows = [row for row in measured if row["measure"] == measure]
        scores = {(row["prompt_id"], row["seed"]): row["value"] for row in rows if row["value"] is not None}
        reasons = sorted({row["reason"] for row in rows if row["value"] is None and row["reason"]})
        reason = "" if scores else "; ".join(reasons) or "measured on no picture"
        scored.append(Scored("", measure, scores, reason))
    return scored


def _score_objects(judge: str, answers: Mapping[Key, AnswerRow], pictures: Sequence[PictureRow]) -> Scored:
    truth = {(row["prompt_id"], row["seed"]): row["object"] for row in pictures}
    if not any(truth.values()):
        return Scored(judge, OBJECT, reason=NO_OBJECT)
    if not any(row["object"] for row in answers.values()):
        return Scored(judge, OBJECT, reason=NOT_ASKED)
    return Scored(
        judge, OBJECT, {key: float(row["object"] == truth[key]) for key, row in answers.items() if truth[key]}
    )


def _check_option_sets(judge: str, answers: Sequence[AnswerRow]) -> None:
    sets = {tuple(sorted(row["options"])) for row in answers}
    if len(sets) > 1:
        raise EvaluationError(f"{judge} was shown {len(sets)} different option sets; run `dvc repro -f judge`")
