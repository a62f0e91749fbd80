"""What a reproduced project holds of one model: where its parts lie, its regions, its towers and its judges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from culturebench.artifacts import adapter, binding, cards, enhancer, pins, prompts, strength, towers
from culturebench.artifacts.cards import CardPictureRow, Cards
from culturebench.explore.settings import ExploreError
from culturebench.params import RegionPart, choose, load_document, load_region, load_section
from culturebench.params.adapters import Adapters
from culturebench.params.generate_adapted import GenerateAdapted
from culturebench.params.judges import Judges
from culturebench.params.models import Model, Models
from culturebench.params.regions import Regions
from culturebench.params.sampler import Sampler
from culturebench.text_to_image.systems import edited_tower

S = TypeVar("S", bound=BaseModel)


class Named(RegionPart):
    """What the page says of a region."""

    country: str
    language: str


@dataclass(frozen=True)
class Project:
    """One model of the project whose root is the current folder."""

    name: str  # of the model

    def section(self, kind: type[S]) -> S:
        """A section of its params."""
        return load_section(kind, self._document)

    @cached_property
    def _document(self) -> dict[str, Any]:
        return load_document()

    @cached_property
    def model(self) -> Model:
        """The model's entry."""
        return choose(self.section(Models), self.name)

    @property
    def atlas(self) -> bool:
        """Whether it is the atlas's, whose pictures are of a drawn world."""
        return self.model.adapter == "atlas"

    @property
    def steps(self) -> int:
        """Sampler steps of the project's own pictures."""
        return self.model.steps or self.section(Sampler).steps

    @cached_property
    def regions(self) -> dict[str, Named]:
        """Code -> region, in the order of params."""
        return {code: load_region(Named, code) for code in self.section(Regions)}

    @property
    def languages(self) -> dict[str, str]:
        """Region -> ISO 639 code."""
        return {code: region.language for code, region in self.regions.items()}

    @cached_property
    def tower(self) -> str:
        """The tower that the project edits; `TowerError` for a model that cannot be edited."""
        return edited_tower(self.model)

    @property
    def probed(self) -> list[str]:
        """The towers that have neurons."""
        return [tower for tower in self.model.towers if binding.layer_path(self.bound, tower).exists()]

    @property
    def judges(self) -> list[str]:
        """Judges of params that answer on this machine, for nothing."""
        return [name for name, one in self.section(Judges).root.items() if one.kind != "openai"]

    @property
    def adapters(self) -> list[str]:
        """Adapters that were trained."""
        return [name for name in self.section(Adapters).root if self.adapter_folder(name).is_dir()]

    @property
    def adapter_strengths(self) -> list[float]:
        """The scales at which the project compares adapters."""
        return [0.0, *self.section(GenerateAdapted).strengths] if self.adapters else []

    def adapter_folder(self, name: str) -> Path:
        """Where an adapter lies."""
        return Path(adapter.PATH.format(model=self.name, adapter=name))

    @property
    def enhancer_folder(self) -> Path:
        """Where the enhancer of the culture layer lies."""
        return Path(enhancer.PATH.format(model=self.name, site="culture"))

    @property
    def bound(self) -> Path:
        """What was found in its towers."""
        return Path(binding.PATH.format(model=self.name))

    @property
    def towers_path(self) -> Path:
        """Its encoders' entries."""
        return Path(towers.PATH.format(model=self.name))

    @property
    def system(self) -> Path:
        """The pins of its parts."""
        return Path(pins.SYSTEM.format(model=self.name))

    @property
    def strength_path(self) -> Path:
        """The strengths that were chosen."""
        return Path(strength.PATH.format(model=self.name))

    @cached_property
    def cards(self) -> tuple[Cards, list[CardPictureRow]] | None:
        """The neurons' cards and their pictures; None in a project that has none yet."""
        path, pictures = (Path(one.format(model=self.name)) for one in (cards.PATH, cards.PICTURES))
        return (cards.load(path), cards.TABLE.load(pictures)) if path.exists() else None

    def judge_folder(self, name: str) -> Path:
        """What a judge is made of."""
        return Path(pins.JUDGE.format(judge=name))

    def examples(self) -> dict[str, str]:
        """Region -> a noun of its test prompts, in its language."""
        found: dict[str, str] = {}
        for row in prompts.TABLE.load(Path(prompts.TEST_PATH), ("region", "noun")):
            if row["noun"]:
                found.setdefault(row["region"], row["noun"]["text"])
        return found

    def check(self) -> None:
        """`ExploreError` where what a run finds is missing, `ParamsError` or `TowerError` for another model."""
        _ = self.tower
        for path in (self.towers_path, self.system, self.bound, self.strength_path):
            if not path.exists():
                raise ExploreError(
                    f"{path} is missing: the page shows what a run has found in the model "
                    f"{self.name}; run `make repro` first"
                )
