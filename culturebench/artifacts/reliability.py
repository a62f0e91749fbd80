"""How one judge and people did on the same real pictures, by the form of the question."""

from typing import Any, TypedDict

from culturebench.artifacts._json import JsonFile

STAGE = "judge_reliability"
DIRECTORY = "reports/metrics/reliability"
PATH = DIRECTORY + "/{judge}.json"
#: Several pictures of which one shows the region named; one picture, and several regions that it may be of.
FORMS = ("pictures", "regions")


class Estimate(TypedDict):
    """A value with its interval, and how many pictures and answers it rests on."""

    value: float
    low: float | None
    high: float | None
    pictures: int
    answers: int


class Annotator(TypedDict):
    """One person's answers."""

    answers: int
    right: int


class Reliability(TypedDict):
    """One judge's with questions of one form.

    `choices` are the numbers of options that were shown; `difference` is judge minus people, `agreement` kappa of the
    judge and people's majority; `reason` says why there are no people; `annotators` go by pseudonym; `other_options`
    counts people's answers to other questions on these pictures.
    """

    choices: list[int]
    judge: Estimate | None
    unparseable: int
    people: Estimate | None
    reason: str
    difference: Estimate | None
    agreement: Estimate | None
    annotators: dict[str, Annotator]
    other_options: int


KEYS: frozenset[str] = frozenset(Reliability.__annotations__)


def _whole(values: Any) -> bool:
    return bool(values) and all(form in FORMS and one.keys() == KEYS for form, one in values.items())


#: Form -> what was found.
FILE: JsonFile[dict[str, Reliability]] = JsonFile(
    STAGE, f"one or both of {', '.join(FORMS)} with exactly the keys {', '.join(sorted(KEYS))}", _whole
)
save, load = FILE.save, FILE.load
