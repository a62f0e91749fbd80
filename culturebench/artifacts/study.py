"""What people said in the study: each kind of task, everybody's answers and without those whom the rule leaves out."""

from typing import Any, TypedDict

from culturebench.artifacts._json import JsonFile

STAGE = "study"
PATH = "reports/metrics/study.json"


class Estimate(TypedDict):
    """A mean or a difference with its interval over prompts and people, and what it rests on."""

    value: float
    low: float | None
    high: float | None
    prompts: int
    people: int
    answers: int


class Difference(TypedDict):
    """A condition minus the one that its kind compares with; `p_value` is corrected for all comparisons of its kind."""

    condition: str
    value: float
    low: float | None
    high: float | None
    p_value: float | None
    prompts: int
    people: int
    answers: int


class Of(TypedDict):
    """What one condition's pictures got.

    `no_answer` is the share of `uncertain`, `none` or `unknown`; `answers` counts: of scc region -> answer, of csr
    rating -> number, of mcc letters chosen and not, of stereotype yes, no and unknown.
    """

    mean: Estimate | None
    in_region: Estimate | None
    out_of_region: Estimate | None
    no_answer: float | None
    answers: dict[str, Any]


class Kind(TypedDict):
    """One kind of task, or the question after csr, each compared with the condition `against`.

    `alpha` is Krippendorff's, of units that are a prompt under a condition.
    """

    conditions: dict[str, Of]
    against: str
    differences: list[Difference]
    alpha: float | None
    alpha_low: float | None
    alpha_high: float | None


class Participant(TypedDict):
    """One person: answers, gold answered and wrong, repeats and how many were answered alike."""

    block: str
    answers: int
    gold: int
    gold_wrong: int
    repeats: int
    alike: int
    too_fast: int
    left_out: bool


class Study(TypedDict):
    """`everyone` and `by_rule` map a kind to its result; `set_aside` counts answers by why they do not count.

    `reason` says why there is nothing; empty `kinds` where there is no study.
    """

    model: str
    conditions: list[str]
    planned: int
    max_gold_wrong: int
    level: float
    scripted: bool
    reason: str
    participants: dict[str, Participant]
    set_aside: dict[str, int]
    everyone: dict[str, Kind]
    by_rule: dict[str, Kind]


KEYS: frozenset[str] = frozenset(Study.__annotations__)


def _whole(values: Any) -> bool:
    return values == {} or values.keys() == KEYS


#: An empty object where params plan no study.
FILE: JsonFile[Study | dict[str, Any]] = JsonFile(STAGE, f"exactly the keys {', '.join(sorted(KEYS))}, or {{}}", _whole)
save, load = FILE.save, FILE.load
