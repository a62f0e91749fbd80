"""How one judge and people did on the same real pictures."""

from typing import Any

from culturebench.artifacts._json import JsonFile

STAGE = "judge_reliability"
DIRECTORY = "reports/metrics/reliability"
PATH = DIRECTORY + "/{judge}.json"
#: `judge`, `people`, `difference` (judge - people) and `agreement` (kappa of the judge and people's majority) are each
#: `{value, low, high, pictures, answers}` or null; `annotators` is `{pseudonym: {answers, right}}`.
KEYS: frozenset[str] = frozenset(
    ("choices", "judge", "unparseable", "people", "reason", "difference", "agreement", "annotators", "other_options")
)


def _whole(values: Any) -> bool:
    return values.keys() == KEYS


FILE = JsonFile(STAGE, f"exactly the keys {', '.join(sorted(KEYS))}", _whole)
save, load = FILE.save, FILE.load
