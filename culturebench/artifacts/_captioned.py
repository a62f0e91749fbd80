"""The columns of a captioned picture, before and after its cues were counted across regions."""

from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._caption import CAPTION, CaptionRow
from culturebench.artifacts._table import required


class CaptionedRow(TypedDict):
    """One picture with its captions, or why it has none."""

    picture_id: str
    region: str
    language: str
    status: str
    reason: str
    detail: str
    provider: str
    audit: str
    audits: list[str]
    subdivision: str
    cues: list[str]
    cultural: CaptionRow | None
    noun: CaptionRow | None
    neutral: CaptionRow | None
    cultural_en: CaptionRow | None
    noun_en: CaptionRow | None
    whole_noun: bool
    noun_draft: CaptionRow | None
    noun_en_draft: CaptionRow | None
    served_model: str
    input_tokens: int
    output_tokens: int
    cost: float


SCHEMA = pa.schema(
    [
        required("picture_id", pa.string()),
        required("region", pa.string()),
        required("language", pa.string()),
        required("status", pa.string()),  # kept | waiting (for people) | dropped
        required("reason", pa.string()),  # why it waits or was dropped, countable
        required("detail", pa.string()),  # the same for whoever writes or audits the caption
        required("provider", pa.string()),
        required(
            "audit", pa.string()
        ),  # correct | edit | stereotype: what enough people say of a written caption, or ""
        pa.field("audits", pa.list_(pa.string()), nullable=False),  # of each of them, in the order of their pseudonyms
        required("subdivision", pa.string()),  # the experts', else the one that a model saw, or ""
        pa.field("cues", pa.list_(pa.string()), nullable=False),  # what showed the culture, sorted
        pa.field("cultural", CAPTION),
        pa.field("noun", CAPTION),
        pa.field("neutral", CAPTION),  # the noun with a culture-free modifier
        pa.field("cultural_en", CAPTION),
        pa.field("noun_en", CAPTION),
        required("whole_noun", pa.bool_()),  # nobody marked the noun of `noun`, so all of it counts
        pa.field("noun_draft", CAPTION),  # the cultural caption without its modifier; never used, only offered
        pa.field("noun_en_draft", CAPTION),
        required("served_model", pa.string()),
        required("input_tokens", pa.int64()),  # of all replies behind the captions
        required("output_tokens", pa.int64()),
        required("cost", pa.float64()),  # at the prices of params.yaml
    ]
)
