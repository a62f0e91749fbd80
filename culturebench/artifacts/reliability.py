"""How one judge and people did on the same real pictures."""

from pathlib import Path
from typing import Any

from culturebench.artifacts._json import load_json, save_json
from culturebench.artifacts._table import ArtifactError

STAGE = "judge_reliability"
DIRECTORY = "reports/metrics/reliability"
PATH = DIRECTORY + "/{judge}.json"
#: `judge`, `people`, `difference` (judge - people) and `agreement` (kappa of the judge and people's majority) are each
#: `{value, low, high, pictures, answers}` or null; `annotators` is `{pseudonym: {answers, right}}`.
KEYS: frozenset[str] = frozenset(
    ("choices", "judge", "unparseable", "people", "reason", "difference", "agreement", "annotators", "other_options")
)


def save(path: Path, values: dict[str, Any]) -> None:
    """Write the values; `ArtifactError` for other keys."""
    _check(path, values)
    save_json(path, values)


def load(path: Path) -> dict[str, Any]:
    """What `save` wrote; `ArtifactError` names the stage that makes it."""
    values = load_json(path, STAGE)
    _check(path, values)
    return values


def _check(path: Path, values: Any) -> None:
    if not isinstance(values, dict) or values.keys() != KEYS:
        raise ArtifactError(f"{path} needs exactly the keys {', '.join(sorted(KEYS))}; run `dvc repro -f {STAGE}`")
