"""How far the annotators of a region agree, and how often each was right on pictures with a known answer."""

from pathlib import Path
from typing import TypedDict

from culturebench.artifacts._json import load_json, save_json

STAGE = "annotate"
DIRECTORY = "data/agreement"
PATH = DIRECTORY + "/{region}.json"


class Annotator(TypedDict):
    """How many decisions; on how many pictures with a known answer, and how many of those were right."""

    decisions: int
    gold: int
    gold_right: int


class Agreement(TypedDict):
    """One region's; `alpha` is Krippendorff's, null where it cannot be told, `annotators` go by pseudonym."""

    pictures: int
    alpha: float | None
    annotators: dict[str, Annotator]


def save(path: Path, values: Agreement) -> None:
    """Write one region's agreement."""
    save_json(path, values)


def load(path: Path) -> Agreement:
    """What `save` wrote; `ArtifactError` names the stage that makes it."""
    return load_json(path, STAGE)
