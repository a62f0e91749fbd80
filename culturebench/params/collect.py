"""Where candidates come from."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from culturebench.params._base import Section

Share = Annotated[float, Field(ge=0, le=1)]


class PlantedShares(BaseModel):
    """Which share of the atlas's pictures carries a planted defect; the rest is as it should be."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    near_duplicate: Share = Field(description="re-encoded, resized, cropped, flipped, bordered or colour-shifted copy")
    blurred: Share = Field(description="out of focus")
    mislabelled: Share = Field(description="another region's ornament, half of them copies of that region's pictures")
    plain: Share = Field(description="an object without any ornament")
    badly_licensed: Share = Field(description="a licence that forbids use, or none")
    truncated: Share = Field(description="a file that ends too early")
    too_small: Share = Field(description="a thumbnail")

    @model_validator(mode="after")
    def _leave_something(self) -> "PlantedShares":
        total = sum(self.model_dump().values())
        if total > 0.9:
            raise ValueError(f"the shares add up to {total:g}; at most 0.9 is allowed")
        return self


class AtlasSource(BaseModel):
    """The embedded world."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["atlas"]
    pictures: int = Field(ge=1, le=1344, description="pictures a region; a smaller number is a prefix of a larger one")
    size: int = Field(ge=64, le=2048, description="width and height in pixels")
    planted: PlantedShares = Field(description="shares of planted defects")


class FolderSource(BaseModel):
    """Files on this machine, named by a manifest or sorted into a folder per region."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["folder"]
    path: str = Field(min_length=1, description="the folder; nothing outside of it is read")
    region: str = Field(
        default="from-manifest",
        min_length=1,
        description="`from-manifest` (or, without a manifest, the subfolder's name), or one code for every file",
    )
    manifest: str | None = Field(
        default=None,
        description="a CSV or JSONL file in the folder; by default manifest.csv or manifest.jsonl if there",
    )
    licence: str = Field(default="", description="the licence of files for which the manifest names none")
    author: str = Field(default="", description="the author of files for which the manifest names none")
    max_bytes: int = Field(default=64_000_000, ge=1, description="larger files fail, in bytes")


Source = Annotated[AtlasSource | FolderSource, Field(discriminator="kind")]


class Collect(Section):
    """Sources are asked in their order; every file that they name becomes one row."""

    section: ClassVar[str] = "collect"
    snapshot: str = Field(min_length=1, description="label of what was collected; a new label collects again")
    minimum_ok: Share = Field(description="the stage fails when a smaller share of a region's files could be read")
    sources: list[Source] = Field(min_length=1, description="where to look")
