"""How a region's culture neurons are picked among the latents."""

from collections.abc import Iterator
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from culturebench.params._by_encoder import EncoderSection
from culturebench.params._lape import Lape


class SelectNeurons(EncoderSection):
    """The selector, what it looks at, and how many it may take."""

    section: ClassVar[str] = "select_neurons"
    selector: str = Field(description="Name of one of `SELECTORS` (culturebench/probing/selectors.py).")
    lape: Lape = Field(description="The shares of the selector lape.")
    positions: Literal["modifier_noun", "summary"] = Field(
        description="Tokens looked at: modifier and noun, or the special token that the picture model reads."
    )
    pool: Literal["max", "mean"] = Field(description="How a prompt's tokens become one value per latent.")
    threshold: float = Field(ge=0, description="A latent fires when it is above this.")
    beta: float = Field(gt=0, description="Added to the count under the mean, for latents that never fire.")
    min_k: int = Field(ge=1, description="Fewest candidates K; where it binds, the stage and the report say so.")
    max_k: int = Field(ge=1, description="Most candidates K; said in the same way.")
    drop: Literal["after_elbow", "before_elbow"] = Field(
        description="When the noun side's own top K leaves: after_elbow as published; before_elbow where noun prompts "
        "share strong latents with the cultural ones, which would end the curve before any latent of culture."
    )
    min_prompts: int = Field(
        ge=1, description="Pairs with spans that a region needs, and a subdivision for means of its own."
    )
    means_of: Literal["subdivision", "region"] = Field(
        description="Of what the mean differences and levels are taken that steer and activate aim at: of each "
        "subdivision, one of which a picture's draw takes, or of the whole region."
    )
    language_share: float | None = Field(
        ge=0,
        lt=1,
        description="Latents that fire on more than this share of a region's noun prompts are its "
        "language's, and activate sets them too; null: it leaves them alone.",
    )
    seed: int = Field(ge=0, description="Of the selector random.")
    batch_size: int = Field(ge=1, description="Prompts of one pass of the encoder.")

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.min_k > self.max_k:
            raise ValueError(f"min_k ({self.min_k}) is above max_k ({self.max_k})")
        return self

    def named(self) -> Iterator[tuple[str, str]]:
        """Each key of this section that names a selector, with the name."""
        yield "selector", self.selector
        for name, changes in self.encoders.items():
            if "selector" in changes:
                yield f"encoders.{name}.selector", self.of(name).selector
