"""What pictures are measured by, and against what."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from culturebench.params._base import Section
from culturebench.params._runtime import Runtime


class _Weights(BaseModel):
    """A measure that needs weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    pin: str = Field(description="Key of `pins`: its weights.")


class ClipScore(_Weights):
    """A CLIP of transformers: CLIP, AltCLIP or Chinese-CLIP."""

    text: str | None = Field(
        default=None,
        description="Key of `pins`: a multilingual text tower in the layout of sentence-transformers, in place of the "
        "CLIP's own.",
    )


class Lpips(_Weights):
    """LPIPS, version 0.1; its pin holds torchvision's backbone and the linear layers of the package lpips."""

    network: Literal["alex", "vgg"] = Field(default="alex", description="The backbone; published values name it.")
    size: int = Field(
        default=256, ge=64, description="Pixels: both pictures are cropped to a square and resized to it."
    )


class CulturalSimilarity(_Weights):
    """CSS: the best cosine of a picture with any concept of its region's culture; the pin is a CLIP."""

    concepts: list[str] = Field(
        min_length=1, description="English texts; `{region}` becomes the region's `judge_label`."
    )


class Measure(Section):
    """The automatic measures of generated pictures; one without weights is reported as not run."""

    section: ClassVar[str] = "measure"
    alignment: str | None = Field(description="Key of `pins`: the atlas's dual encoder; null: of real pictures.")
    caption: Literal["noun", "noun_en", "cultural"] = Field(
        description="The test row's caption that pictures are compared with, one for all conditions."
    )
    clip_score: ClipScore | None = Field(default=None, description="CLIPScore, as the raw cosine.")
    image_reward: _Weights | None = Field(default=None, description="ImageReward, on the English of `caption`.")
    lpips: Lpips | None = Field(default=None, description="LPIPS to the reference, and between a prompt's pictures.")
    vendi_score: _Weights | None = Field(
        default=None, description="The Vendi score of a prompt's pictures, by cosines of a CLIP's picture embeddings."
    )
    cultural_similarity: CulturalSimilarity | None = Field(default=None, description="CSS of K-StyleLoRA.")
    runtime: Runtime = Field(default_factory=Runtime, description="Where and in which precision the weights run.")

    def pins(self) -> Iterator[tuple[str, str]]:
        """Each key of this section that names a pin, with the pin's name."""
        if self.alignment:
            yield "alignment", self.alignment
        for name in ("clip_score", "image_reward", "lpips", "vendi_score", "cultural_similarity"):
            chosen: _Weights | None = getattr(self, name)
            if chosen:
                yield f"{name}.pin", chosen.pin
        if self.clip_score and self.clip_score.text:
            yield "clip_score.text", self.clip_score.text
