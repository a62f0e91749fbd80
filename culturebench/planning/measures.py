"""What the published measures cost for one picture, counted from their shapes on the meta device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from culturebench.measures.records import SCORERS
from culturebench.planning.prices import Cost

if TYPE_CHECKING:
    from culturebench.measures.task import Work
    from culturebench.params.measure import Measure
    from culturebench.params.pins import PinSource

PUBLISHED = tuple(key for key, scorer in SCORERS.items() if not scorer.embedded)


@dataclass(frozen=True)
class MeasuresPlan:
    """Measures that will run with the cost of one picture, those whose shapes are not known, those without weights."""

    known: Mapping[str, Cost]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def picture(self) -> Cost | None:
        """All that are known, for one picture."""
        return sum(self.known.values(), Cost(0.0)) if self.known else None


def measures_plan(numbers: Measure, pins: Mapping[str, PinSource], root: Path, pictures: int) -> MeasuresPlan:
    """The published measures of params; `pictures` of one prompt are compared with each other."""
    known: dict[str, Cost] = {}
    unknown: list[str] = []
    named = [key for key in PUBLISHED if getattr(numbers, key)]
    for key in named:
        cost = _cost(key, numbers, pins, root, pictures)
        if cost is None:
            unknown.append(key)
        else:
            known[key] = cost
    return MeasuresPlan(known, tuple(unknown), tuple(key for key in PUBLISHED if key not in named))


def _cost(key: str, numbers: Measure, pins: Mapping[str, PinSource], root: Path, pictures: int) -> Cost | None:
    import torch  # which takes seconds, and most plans have none of these measures

    from culturebench.measures.opening import module_of
    from culturebench.measures.task import Forecast
    from culturebench.planning.backbone import META
    from culturebench.planning.cost import cost_of

    with META:
        work: Work | None = module_of(key).work(getattr(numbers, key), Forecast(pins, root, pictures))
    return work and cost_of(torch.no_grad()(work.once)) * work.times
