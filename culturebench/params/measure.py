"""What pictures are measured by, and against what."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from culturebench.params._base import Section
from culturebench.params._runtime import Dtype, Runtime


class Weights(BaseModel):
    """A scorer that needs weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    pin: str = Field(description="Key of `pins`: its weights.")

    def pins(self) -> Iterator[tuple[str, str]]:
        """Each key that names a pin, with the pin's name."""
        yield "pin", self.pin


class ClipScore(Weights):
    """A CLIP of transformers: CLIP, AltCLIP or Chinese-CLIP."""

    text: str | None = Field(
        default=None,
        description="Key of `pins`: a multilingual text tower in the layout of sentence-transformers, in place of the "
        "CLIP's own.",
    )

    def pins(self) -> Iterator[tuple[str, str]]:
        """Each key that names a pin, with the pin's name."""
        yield from super().pins()
        if self.text:
            yield "text", self.text


class Lpips(Weights):
    """LPIPS, version 0.1; its pin holds torchvision's backbone and the linear layers of the package lpips."""

    network: Literal["alex", "vgg"] = Field(default="alex", description="The backbone; published values name it.")
    size: int = Field(
        default=256, ge=64, description="Pixels: both pictures are cropped to a square and resized to it."
    )


class CulturalSimilarity(Weights):
    """CSS: the best cosine of a picture with any concept of its region's culture; the pin is a CLIP."""

    concepts: list[str] = Field(
        min_length=1, description="English texts; `{region}` becomes the region's `judge_label`."
    )


class MeasureRuntime(Runtime):
    """How the weights of measures run: in float32 on every device, so that all of them report the same numbers."""

    dtype: Dtype = Field(
        default="float32", description="Of the weights; bfloat16 moves rewards by up to 0.02, CLIP's cosines by 0.001."
    )


class Measure(Section):
    """The automatic measures of generated pictures; a scorer without weights is reported as not run."""

    section: ClassVar[str] = "measure"
    alignment: str | None = Field(description="Key of `pins`: the atlas's dual encoder; null: of real pictures.")
    caption: Literal["noun", "noun_en", "cultural"] = Field(
        description="The test row's caption that pictures are compared with, one for all conditions."
    )
    clip_score: ClipScore | None = Field(default=None, description="CLIPScore, as the raw cosine.")
    image_reward: Weights | None = Field(default=None, description="ImageReward, on the English of `caption`.")
    lpips: Lpips | None = Field(default=None, description="LPIPS to the reference, and between a prompt's pictures.")
    vendi_score: Weights | None = Field(
        default=None, description="The Vendi score of a prompt's pictures, by cosines of a CLIP's picture embeddings."
    )
    cultural_similarity: CulturalSimilarity | None = Field(default=None, description="CSS of K-StyleLoRA.")
    cue_concentration: Weights | None = Field(
        default=None, description="How alike a region's pictures are beside its real ones, by a CLIP's embeddings."
    )
    runtime: MeasureRuntime = Field(
        default_factory=MeasureRuntime, description="Where and in which precision the weights run."
    )

    @classmethod
    def scorers(cls) -> list[str]:
        """The keys of this section that are scorers: all but what they share."""
        return [key for key in cls.model_fields if key not in ("caption", "runtime")]

    def pins(self) -> Iterator[tuple[str, str]]:
        """Each key of this section that names a pin, with the pin's name."""
        for key in self.scorers():
            chosen: str | Weights | None = getattr(self, key)
            if isinstance(chosen, Weights):
                yield from ((f"{key}.{part}", name) for part, name in chosen.pins())
            elif chosen:
                yield key, chosen
