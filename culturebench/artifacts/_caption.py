"""The Arrow type of one caption with its spans."""

import pyarrow as pa

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
