"""What the page's controls do, apart from how they look: a visitor's values in, HTML and code out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from culturebench.errors import CultureBenchError
from culturebench.explore import shown
from culturebench.explore.settings import PLAIN, ExploreError, Settings, code_of
from culturebench.explore.studio import Picture, Studio
from culturebench.explore.watch import StoppedError

#: Passes of the denoiser so far, and steps.
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Values:
    """What a visitor's controls stand at; the page sends them, so each may be anything."""

    prompt: object
    region: object  # "": by language
    tower: object
    mode: object
    strength: object
    seed: object
    steps: object

    def settings(self) -> Settings:
        """Checked; `ExploreError` for what is no setting."""
        try:
            seed, steps, strength = int(str(self.seed)), int(str(self.steps)), float(str(self.strength))
        except ValueError:
            raise ExploreError("seed and steps must be whole numbers, the strength a number") from None
        region = str(self.region) or None
        return Settings(str(self.prompt or ""), str(self.mode), region, strength, seed, steps, str(self.tower) or None)


@dataclass(frozen=True)
class Shown:
    """What the page shows now: pictures and a message as HTML, and the code of the edited picture."""

    pictures: str = ""
    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class Handlers:
    """Makes what is shown; each visitor, by the id of their session, can stop their own picture alone."""

    studio: Studio
    _stopped: dict[str, threading.Event] = field(default_factory=dict[str, threading.Event])

    def stop(self, visitor: str) -> None:
        """End the visitor's picture at the denoiser's next pass."""
        if event := self._stopped.get(visitor):
            event.set()

    def leave(self, visitor: str) -> None:
        """Also forget the visitor."""
        self.stop(visitor)
        self._stopped.pop(visitor, None)

    def pair(self, values: Values, visitor: str, progress: Told) -> Iterator[Shown]:
        """The unedited picture, then the edited one beside it, from the same noise."""
        return self._told(self._pair, values, visitor, progress)

    def strip(self, values: Values, visitor: str, progress: Told) -> Iterator[Shown]:
        """The picture at every strength that the project has tried, one more each time."""
        return self._told(self._strip, values, visitor, progress)

    def _told(
        self,
        make: Callable[[Settings, Callable[[int], None]], Iterator[Shown]],
        values: Values,
        visitor: str,
        progress: Told,
    ) -> Iterator[Shown]:
        stopped = self._stopped[visitor] = threading.Event()
        try:
            settings = values.settings()

            def watch(passes: int) -> None:
                if stopped.is_set():
                    raise StoppedError("stopped")
                progress(passes, settings.steps)

            yield from make(settings, watch)
        except StoppedError:
            yield Shown(message=shown.note("Stopped."))
        except CultureBenchError as error:
            yield Shown(message=shown.reason(str(error)))

    def _pair(self, settings: Settings, watch: Callable[[int], None]) -> Iterator[Shown]:
        self.studio.region_of(settings)  # what cannot be made is refused before any picture
        both = [self._seen(settings.plain, watch)]
        if settings.mode != PLAIN:
            yield Shown(shown.pictures(self.studio, both))
            both.append(self._seen(settings, watch))
        code = code_of(self.studio.project.name, both[-1][0].settings)
        yield Shown(shown.pictures(self.studio, both), code)

    def _strip(self, settings: Settings, watch: Callable[[int], None]) -> Iterator[Shown]:
        self.studio.region_of(settings)
        strengths = self.studio.modes[settings.mode].strengths if settings.mode != PLAIN else ()
        if not strengths:
            raise ExploreError("this mode has no strength, so there is no strip over λ")
        made: list[tuple[Picture, dict[str, str]]] = []
        for strength in strengths:
            made.append(self._seen(settings.at(strength), watch))
            yield Shown(shown.pictures(self.studio, made, strip=True))

    def _seen(self, settings: Settings, watch: Callable[[int], None]) -> tuple[Picture, dict[str, str]]:
        picture = self.studio.made(settings, watch)
        return picture, self.studio.answers(picture)
