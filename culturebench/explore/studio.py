"""A project's model with all that can be done to it: a visitor's settings in, pictures and judges' answers out."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from culturebench.artifacts.answers import UNRECOGNIZABLE
from culturebench.conditions import condition
from culturebench.ethics import marked
from culturebench.explore.modes import ADAPTER, Mode, modes_of
from culturebench.explore.project import Project
from culturebench.explore.settings import PLAIN, ExploreError, Settings
from culturebench.explore.watch import Watch, watched
from culturebench.interventions.adapters.load import adapted
from culturebench.interventions.by_language import region_of
from culturebench.interventions.culture_edits import CultureNeurons
from culturebench.interventions.load_culture import load_culture
from culturebench.interventions.load_enhancer import enhanced
from culturebench.judging.asking import Answering, open_judge
from culturebench.judging.base import Question, shuffled
from culturebench.params import choose
from culturebench.params.engine import Engine
from culturebench.params.judge import Judge
from culturebench.params.judges import Judges
from culturebench.stage import fix_threads, secret, store_url
from culturebench.store import Store
from culturebench.text_to_image.adapters.pipeline import PipelineSystem
from culturebench.text_to_image.base import Intervention, TextToImage
from culturebench.text_to_image.sampling import Painter, Shot
from culturebench.text_to_image.systems import load_pinned, load_towers

KEPT = 64  # pictures; a slider comes back to where it was


@dataclass(frozen=True)
class Picture:
    """One picture, with the settings that made it; `region` is the one that was acted for, None where none was."""

    png: bytes  # marked as synthetic
    settings: Settings
    region: str | None

    def save(self, path: str | Path) -> None:
        """Write the PNG."""
        Path(path).write_bytes(self.png)


@dataclass(frozen=True)
class Studio:
    """Makes one picture at a time, whoever asks: a pipeline is not for two threads."""

    project: Project
    _one: threading.Lock = field(default_factory=threading.Lock)
    _kept: OrderedDict[Settings, Picture] = field(default_factory=OrderedDict[Settings, Picture])

    @cached_property
    def system(self) -> TextToImage:
        """The model of its pins, loaded when the first picture is asked for."""
        project = self.project
        return load_pinned(project.model, load_towers(project.towers_path), project.system, project.steps)

    @cached_property
    def _cultures(self) -> Mapping[str, CultureNeurons]:
        return {tower: load_culture(self.project.bound, tower) for tower in self.project.probed}

    @cached_property
    def modes(self) -> Mapping[str, Mode]:
        """What can be done, by name."""
        return modes_of(self.project, self._cultures[self.project.tower])

    @cached_property
    def _judges(self) -> Mapping[str, Answering]:
        project, engine, store = self.project, self.project.section(Engine), Store(store_url())
        chosen = project.section(Judges)
        return {
            name: open_judge(choose(chosen, name), project.judge_folder(name), engine, store, secret)
            for name in project.judges
        }

    def picture(self, prompt: str, *, watch: Watch | None = None, **settings: Any) -> Picture:
        """The picture of a prompt under `settings`, as `Settings` names them; by default with the project's steps.

        `watch` is told of each pass of the denoiser, and may end the picture by an exception. `ExploreError` for a
        value out of bounds, `LanguageError` where the prompt's language does not tell the region.
        """
        given: dict[str, Any] = {"steps": self.project.steps, **settings}
        return self.made(Settings(prompt, **given), watch)

    def made(self, settings: Settings, watch: Watch | None = None) -> Picture:
        """As `picture`, of whole settings."""
        region, settings = self.region_of(settings), self.brief(settings)
        with self._one:
            if settings not in self._kept:
                self._kept[settings] = Picture(self._paint(settings, region, watch), settings, region)
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(settings)
            return self._kept[settings]

    def brief(self, settings: Settings) -> Settings:
        """The same picture's settings without what plays no part in it."""
        mode = self.modes.get(settings.mode)
        if mode is None:
            return settings.plain
        strength = settings.strength if mode.strengths else 0.0
        region = settings.region if mode.regional else None
        tower = settings.tower if mode.regional and settings.tower != self.project.tower else None
        return replace(settings, strength=strength, region=region, tower=tower)

    def region_of(self, settings: Settings) -> str | None:
        """The region that the settings mean, None where their mode needs none; refuses what does not fit."""
        if settings.mode == PLAIN:
            return None
        if settings.mode not in self.modes:
            raise ExploreError(f"there is no mode {settings.mode!r}; there are: {', '.join((PLAIN, *self.modes))}")
        if settings.tower is not None and settings.tower not in self._cultures:
            raise ExploreError(f"there is no tower {settings.tower!r}; there are: {', '.join(self._cultures)}")
        if not self.modes[settings.mode].regional:
            return None
        regions = self.project.regions
        if settings.region is None:
            return region_of(settings.prompt, self.project.languages)
        if settings.region not in regions:
            raise ExploreError(f"there is no region {settings.region!r}; there are: {', '.join(regions)}")
        return settings.region

    def answers(self, picture: Picture) -> dict[str, str]:
        """Judge -> which of the run's regions it sees, or `unrecognizable`; of the judges that cost nothing."""
        seed = self.project.section(Judge).seed
        options = shuffled(
            [*self.project.regions, UNRECOGNIZABLE], seed, picture.settings.prompt, picture.settings.seed
        )
        with self._one:
            question = Question(picture.png, options)
            return {name: ask([question])[0].answer for name, ask in self._judges.items()}

    def _paint(self, settings: Settings, region: str | None, watch: Watch | None) -> bytes:
        system = self.system
        tower = settings.tower or self.project.tower
        _set(system, settings.steps, self.project.model.towers.index(tower))
        shot = Shot(settings.prompt, settings.seed, self._intervention(settings, region, tower))
        with watched(system.denoiser, watch) if watch else nullcontext():
            [png] = Painter(system)([shot])
        return marked(png)

    def _intervention(self, settings: Settings, region: str | None, tower: str) -> Intervention | None:
        if settings.mode == PLAIN:
            return None
        edit = self.modes[settings.mode].edit
        if edit is None:
            folder = self.project.adapter_folder(settings.mode.removeprefix(ADAPTER))
            return adapted(folder, settings.strength) if settings.strength else None
        if edit.part == "enhancer":
            return enhanced(self.project.enhancer_folder)
        assert region is not None
        return self._cultures[tower].intervention(condition(edit.home), settings.strength, region, 0)


def open_studio(model: str) -> Studio:
    """The studio of a model of the project whose root is the current folder.

    Torch then computes as in the project's stages, by one thread, so that a picture has the bytes that it has there.
    `ExploreError` where nothing was found yet, `ParamsError` or `TowerError` for a model that is not there or cannot be
    edited.
    """
    project = Project(model)
    project.check()
    fix_threads(project.model.runtime.deterministic)
    return Studio(project)


def _set(system: Any, steps: int, edited: int) -> None:
    """Sampler steps, and the tower that is edited, of a loaded system."""
    if isinstance(system, PipelineSystem):
        system.settings["num_inference_steps"] = steps
        system.edited = edited
    else:
        system.steps = steps
