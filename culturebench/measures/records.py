"""What is known of every measure, one record each: whoever gives, compares, shows or plans one reads it here.

Nothing is imported but the errors: the report and the evaluation read this without torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from culturebench.errors import CultureBenchError

Direction = Literal["higher", "lower", "neither"]  # which of two values is the better one
Unit = Literal["share", "number"]  # a share is shown in percent
#: Where the report has it: a column of the main table, the column beside its conditions, the rows by language of the
#: table of regions, the table of the judges' agreement, the table of how alike a region's pictures are.
Place = Literal["column", "first", "language", "agreement", "alike", "nowhere"]
_ARROWS: Final = {"higher": " ↑", "lower": " ↓", "neither": ""}


class MeasureError(CultureBenchError):
    """A measure that does not exist, or a record that is not whole."""


@dataclass(frozen=True)
class Scorer:
    """What gives measures but is no judge: `key` in the section `measure` of params.yaml, and module of `scorers`."""

    key: str
    weights: str  # that it needs, to end a sentence
    circular: bool = False  # its text encoder decides: warned of where the model reads by the same one
    embedded: bool = False  # of the atlas alone: not missed where params leave it out

    def __post_init__(self) -> None:
        _filled(self, f"scorer {self.key!r}", "key", "weights")


@dataclass(frozen=True)
class Measure:
    """One measure; a record that lacks something is a `MeasureError`."""

    name: str  # in artifacts
    label: str  # in the report, without the arrow of its direction
    direction: Direction
    unit: Unit
    place: Place
    scorer: Scorer | None = None  # None: a judge's answers give it
    whole_prompts: bool = False  # one value for all of a prompt's pictures
    arrow: bool = True  # False where conditions are there to move it either way

    def __post_init__(self) -> None:
        about = f"measure {self.name!r}"
        _filled(self, about, "name", "label")
        for key, kind in (("direction", Direction), ("unit", Unit), ("place", Place)):
            if getattr(self, key) not in get_args(kind):
                raise MeasureError(f"{about}: `{key}` is {getattr(self, key)!r}; one of: {', '.join(get_args(kind))}")

    @property
    def head(self) -> str:
        """Its column's head."""
        return self.label + (_ARROWS[self.direction] if self.arrow else "")


def _filled(record: object, about: str, *keys: str) -> None:
    for key in keys:
        if not str(getattr(record, key) or "").strip():
            raise MeasureError(f"{about}: `{key}` is empty; fill it in")


def registry(records: Sequence[Measure]) -> dict[str, Measure]:
    """The records by name, in their order; `MeasureError` for a name that stands twice, or a key with two scorers."""
    names = [record.name for record in records]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise MeasureError(f"two measures are called {twice[0]!r}; every measure has a name of its own")
    keys = [scorer.key for scorer in {record.scorer for record in records} if scorer]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise MeasureError(f"two scorers have the key {twice[0]!r}; measures of one key share its record")
    return {record.name: record for record in records}


_ATLAS: Final = Scorer("alignment", "the atlas's dual encoder", embedded=True)
_LPIPS: Final = Scorer("lpips", "LPIPS")
#: In the order of the report's columns: name, label, which is better, unit, place.
MEASURES: Final = registry(
    (
        Measure("culture_vqa", "CultureVQA", "higher", "share", "first"),  # the judge names the prompt's region
        Measure("language_vqa", "CultureVQA by language", "higher", "share", "language"),
        Measure("language_elsewhere", "Right language, other region", "lower", "share", "language"),
        Measure("region_named", "Any region named", "neither", "share", "column", arrow=False),  # right or wrong
        Measure("object_accuracy", "Object right", "higher", "share", "column"),
        Measure("plain_share", "No culture seen", "lower", "share", "column", arrow=False),
        Measure("anglo_share", "Anglo named", "neither", "share", "column"),  # where judge.anglo offers it
        Measure("unparseable_share", "No option named", "lower", "share", "nowhere"),
        Measure("judge_agreement", "Agreement of the judges", "higher", "number", "agreement"),  # a kappa
        Measure("atlas_alignment", "Fits the caption (atlas encoder)", "higher", "number", "column", _ATLAS),
        Measure(
            "atlas_perceptual_diversity", "Diversity (atlas encoder)", "higher", "number", "column", _ATLAS,
            whole_prompts=True,
        ),
        Measure(
            "atlas_perceptual_reference", "Distance to the reference (atlas encoder)", "lower", "number", "column",
            _ATLAS,
        ),
        Measure(
            "atlas_cultural_similarity", "Nearest cultural caption (atlas encoder)", "higher", "number", "column",
            _ATLAS,
        ),
        Measure(
            "atlas_cue_concentration", "Cue concentration (atlas encoder)", "neither", "number", "alike", _ATLAS,
            whole_prompts=True,
        ),
        Measure(
            "clip_score", "CLIPScore", "higher", "number", "column",
            Scorer("clip_score", "a multilingual CLIP", circular=True),
        ),
        Measure(
            "cultural_similarity", "CSS", "higher", "number", "column",
            Scorer("cultural_similarity", "a CLIP", circular=True),
        ),
        Measure("image_reward", "ImageReward", "higher", "number", "column", Scorer("image_reward", "ImageReward")),
        Measure("lpips_diversity", "LPIPS diversity", "higher", "number", "column", _LPIPS, whole_prompts=True),
        Measure("lpips_reference", "LPIPS to reference", "lower", "number", "column", _LPIPS),
        Measure(
            "vendi_score", "Vendi score", "higher", "number", "column", Scorer("vendi_score", "a CLIP"),
            whole_prompts=True,
        ),
        Measure(
            "cue_concentration", "Cue concentration", "neither", "number", "alike",
            Scorer("cue_concentration", "a CLIP"), whole_prompts=True,
        ),
    )
)  # fmt: skip
#: By their key in params.yaml.
SCORERS: Final = {record.scorer.key: record.scorer for record in MEASURES.values() if record.scorer}


def measure(name: str) -> Measure:
    """The record of a measure; `MeasureError` lists those there are."""
    if name not in MEASURES:
        raise MeasureError(
            f"{name!r} is no measure: culturebench/measures/records.py has no record of it; there are: "
            f"{', '.join(MEASURES)}"
        )
    return MEASURES[name]


def at(place: Place) -> list[str]:
    """The measures that the report has there, in their order."""
    return [name for name, record in MEASURES.items() if record.place == place]


def given_by(key: str) -> list[Measure]:
    """The measures of a scorer by its key in params.yaml; `MeasureError` when no record names it."""
    found = [record for record in MEASURES.values() if record.scorer and record.scorer.key == key]
    if not found:
        raise MeasureError(
            f"params.yaml: measure.{key} gives no measure that culturebench/measures/records.py has a record of; there "
            f"are: {', '.join(SCORERS)}"
        )
    return found
