"""What a visitor has set: one picture, and the three lines of Python that make it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import isfinite

from culturebench.errors import CultureBenchError

#: What bounds a visitor's settings: a picture of the page costs no more than these ask for.
MAX_LETTERS = 1000
MAX_STEPS = 200
MAX_SEED = 2**63 - 1
MAX_STRENGTH = 100.0
#: The mode of the unedited picture.
PLAIN = "none"


class ExploreError(CultureBenchError):
    """A setting that cannot be used, or a project whose neurons were not found yet."""


@dataclass(frozen=True)
class Settings:
    """All that determines one picture of a project's model, by the names of `Studio.picture`.

    `mode` is `none`, a name of `EDITS`, or `adapter/<name>`. `region` None: the prompt's language tells it. `tower`
    None: the one that params name. `ExploreError` for a value out of bounds.
    """

    prompt: str
    mode: str = PLAIN
    region: str | None = None
    strength: float = 0.0
    seed: int = 0
    steps: int = 1
    tower: str | None = None

    def __post_init__(self) -> None:
        if not self.prompt.strip() or len(self.prompt) > MAX_LETTERS:
            raise ExploreError(f"a prompt has 1 to {MAX_LETTERS} letters, this one has {len(self.prompt.strip())}")
        if not 0 <= self.seed <= MAX_SEED:
            raise ExploreError(f"the seed is {self.seed}; it must be a whole number from 0 to 2^63 - 1")
        if not 1 <= self.steps <= MAX_STEPS:
            raise ExploreError(f"the steps are {self.steps}; they must be from 1 to {MAX_STEPS}")
        if not isfinite(self.strength) or abs(self.strength) > MAX_STRENGTH:
            raise ExploreError(
                f"the strength is {self.strength}; it must be from -{MAX_STRENGTH:g} to {MAX_STRENGTH:g}"
            )

    @property
    def plain(self) -> Settings:
        """The same prompt from the same noise, unedited."""
        return Settings(self.prompt, seed=self.seed, steps=self.steps)

    def at(self, strength: float) -> Settings:
        """The same at another strength."""
        return replace(self, strength=strength)


def code_of(model: str, settings: Settings) -> str:
    """Three lines of Python that write this picture, byte for byte, in the project's root."""
    defaults = asdict(Settings(settings.prompt))
    given = {
        name: value
        for name, value in asdict(settings).items()
        if name != "prompt" and (value != defaults[name] or name in ("seed", "steps"))
    }
    arguments = ", ".join([repr(settings.prompt), *(f"{name}={value!r}" for name, value in given.items())])
    return (
        "from culturebench.explore.studio import open_studio\n"
        f"studio = open_studio({model!r})\n"
        f'studio.picture({arguments}).save("picture.png")\n'
    )
