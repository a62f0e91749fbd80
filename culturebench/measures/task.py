"""What a scorer is handed: one condition's pictures to measure, or a run to come of which the cost is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from culturebench.measures.scoring import text_of
from culturebench.pins import pin_path, verified_folder
from culturebench.png import from_png

if TYPE_CHECKING:
    from culturebench.measures.scoring import Caption, References, Row
    from culturebench.params.measure import Measure
    from culturebench.params.pins import PinSource

#: The caption that says in English what another one says.
ENGLISH: Mapping[Caption, Caption] = {"noun": "noun_en", "noun_en": "noun_en", "cultural": "cultural_en"}


@dataclass(frozen=True)
class Task:
    """One condition's pictures, and what they may be compared with."""

    numbers: Measure
    bound: Path  # the folder of the measures' pins
    labels: Mapping[str, str]  # region -> its English name; empty unless a measure needs it
    pictures: Sequence[Row]
    references: References

    def folder(self, pin: str) -> Path:
        """The folder of a pin's files, once they are what the pin holds."""
        return verified_folder(pin_path(self.bound, pin))

    def texts(self, rows: Sequence[Row], caption: Caption | None = None) -> list[str]:
        """For each picture the caption that params name, or another one, of its test row."""
        name = caption or self.numbers.caption
        return [text_of(self.references[row["prompt_id"]], name) for row in rows]

    def originals(self, rows: Sequence[Row]) -> list[Image.Image]:
        """For each picture the reference picture."""
        return [from_png(self.references[row["prompt_id"]]["image"]) for row in rows]


@dataclass(frozen=True)
class Forecast:
    """A run to come: the pins of params.yaml, the project's folder, and how many pictures of a prompt there will be."""

    pins: Mapping[str, PinSource]
    root: Path
    pictures: int


@dataclass(frozen=True)
class Work:
    """What a scorer computes for one picture: `once`, on tensors of the meta device, so many `times`."""

    once: Callable[[], object]
    times: float = 1.0
