"""When two pictures are the same one."""

from typing import ClassVar

from pydantic import Field

from culturebench.params._base import Section
from culturebench.params._custom_model import CustomModel


class Embedding(CustomModel):
    """A second way to find a pair; `use` takes pictures and gives a vector for each."""

    min_similarity: float = Field(gt=0, le=1, description="cosine of two embeddings from which on it is one picture")


class Deduplicate(Section):
    """A pair must pass both limits, or the embedding's where there is one."""

    section: ClassVar[str] = "deduplicate"
    max_hash_distance: int = Field(ge=0, le=20, description="bits by which two 64-bit perceptual hashes may differ")
    max_difference: float = Field(
        ge=0, description="worst difference of a block after alignment, as a share of the picture's contrast"
    )
    embedding: Embedding | None = Field(description="null: hashes alone")
