"""What `config.json` of a pack says; it may come from anybody, so every key is checked."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Index = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Pin(_Part):
    """What fixes the encoder's weights: a hub repository at a commit, if any, and the sha256 of all files' hashes."""

    name: str
    repo: str | None = None
    commit: str | None = None
    sha256: str


class MadeFor(_Part):
    """The text encoder whose neurons these are; `fingerprint` as in `culturebench.text_to_image.fingerprint`."""

    name: str
    pin: Pin
    width: int = Field(ge=1)
    layers: int = Field(ge=1)
    fingerprint: dict[str, str]

    def __str__(self) -> str:
        """For errors and the card, such as `sdxl_clip_g (32 layers, 1280 wide; owner/name at 0123…)`."""
        pin = self.pin
        where = f"{pin.repo} at {pin.commit}" if pin.repo else f"files of sha256 {pin.sha256}"
        return f"{self.name} ({self.layers} layers, {self.width} wide; {where})"


class Activation(_Part):
    """What switches a region on: rows of the pack's tensors, and the mean of each on one subdivision's prompts."""

    rows: list[Index] = Field(min_length=1)
    latents: list[Index]
    levels: list[float]

    @model_validator(mode="after")
    def _equally_long(self) -> Self:
        if not len(self.rows) == len(self.latents) == len(self.levels):
            raise ValueError("`rows`, `latents` and `levels` need to be equally long")
        return self


class Region(_Part):
    """One region's neurons: rows of the pack's tensors, and the latents that they were in the whole autoencoder."""

    country: str
    language: str  # ISO 639
    rows: list[Index] = Field(min_length=1)
    latents: list[Index]
    levels: list[float]  # mean activation on cultural prompts
    frequencies: list[float]  # on what share of these it fires
    activation: Activation

    @model_validator(mode="after")
    def _equally_long(self) -> Self:
        if not len(self.rows) == len(self.latents) == len(self.levels) == len(self.frequencies):
            raise ValueError("`rows`, `latents`, `levels` and `frequencies` need to be equally long")
        return self


class Interval(_Part):
    """A number and its interval, null where there is none."""

    value: float
    low: float | None
    high: float | None


class Effect(_Part):
    """By how much an edit changes CultureVQA against the pictures without it, judges pooled, beside its controls."""

    condition: str  # one whose edit is of neurons
    region: str  # a code or `all`
    strength: float | None
    change: Interval
    controls: dict[str, Interval]  # the same change under each of the condition's controls, as far as measured
    prompts: int
    pictures: int


class PackConfig(_Part):
    """All of a pack but its tensors."""

    format: Literal[1]
    made_for: MadeFor
    layer: int = Field(ge=0)
    selector: str
    sae_seed: int
    latents: int = Field(ge=1, description="of the whole autoencoder")
    precision: Literal["float32", "float16"]
    regions: dict[str, Region] = Field(min_length=1)
    model: str  # the text-to-image model that strengths and effects are of
    strengths: dict[str, float | None]  # by edit; null: none was better than no edit
    effects: list[Effect]
    level: float = Field(gt=0, lt=1, description="coverage of the effects' intervals")
    licence: str
    atlas: bool = Field(description="whether all of it is of the drawn world that this project brings")

    @property
    def languages(self) -> dict[str, str]:
        """Region -> ISO 639 code."""
        return {code: region.language for code, region in self.regions.items()}

    @property
    def rows(self) -> int:
        """How many latents the tensors hold."""
        return 1 + max(row for one in self.regions.values() for row in (*one.rows, *one.activation.rows))
