"""One caption with its spans, as a row holds it and as Arrow does."""

from typing import TypedDict

import pyarrow as pa


class CaptionRow(TypedDict):
    """A text and where its noun and its modifier stand."""

    text: str
    language: str
    noun_start: int
    noun_end: int
    modifier_start: int
    modifier_end: int


class GivenCaptions(TypedDict):
    """What came with a picture, by the column of `captioned` that it is for."""

    cultural: CaptionRow | None
    noun: CaptionRow | None
    neutral: CaptionRow | None
    cultural_en: CaptionRow | None
    noun_en: CaptionRow | None


#: Half-open character offsets into `text`; -1 where a span does not exist or nobody marked it.
CAPTION = pa.struct(
    [
        pa.field("text", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("noun_start", pa.int32(), nullable=False),
        pa.field("noun_end", pa.int32(), nullable=False),
        pa.field("modifier_start", pa.int32(), nullable=False),
        pa.field("modifier_end", pa.int32(), nullable=False),
    ]
)
GIVEN = pa.struct([pa.field(name, CAPTION) for name in GivenCaptions.__annotations__])
