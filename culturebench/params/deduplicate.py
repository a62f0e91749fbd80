"""When two pictures are the same one."""

from typing import ClassVar

from pydantic import Field

from culturebench.params._base import Section
from culturebench.params._custom_model import CustomModel


class Embedding(CustomModel):
    """A second way to find a pair; `use` takes pictures and gives a vector for each."""

    min_similarity: float = Field(gt=0, le=1, description="cosine of two embeddings from which on it is one picture")


class Deduplicate(Section):
    """A pair must pass one of the first two limits and one of the next three, or the embedding's where there is one."""

    section: ClassVar[str] = "deduplicate"
    max_hash_distance: int = Field(ge=0, le=20, description="bits by which two 64-bit perceptual hashes may differ")
    max_crop_distance: int = Field(ge=0, le=20, description="the same where one of them is of a part of a picture")
    max_difference: float = Field(
        ge=0, description="worst difference of a block after alignment, as a share of the picture's contrast"
    )
    max_colourless_difference: float = Field(
        ge=0, description="the same for what no mixture of the other's colours explains; 0: colours always count"
    )
    max_watermark_difference: float = Field(
        ge=0, description="the same where half transparent white may lie on one of both; 0: no watermarks"
    )
    embedding: Embedding | None = Field(description="null: hashes alone")
