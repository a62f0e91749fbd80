"""Every picture that collection came across, with its bytes, origin and licence; failures are rows too."""

import pyarrow as pa

from culturebench.artifacts._table import Table, required

STAGE = "collect"
DIRECTORY = "data/candidates"
PATH = DIRECTORY + "/{region}.parquet"
TABLE = Table(
    stage=STAGE,
    key=("picture_id", "file_name"),
    schema=pa.schema(
        [
            required("picture_id", pa.string()),  # sha256 of the bytes; of the scene for an atlas picture
            required("region", pa.string()),
            required("source", pa.string()),  # the kind of source: atlas, folder, commons, ...
            required("query", pa.string()),
            required("page_url", pa.string()),
            required("file_url", pa.string()),
            required("file_name", pa.string()),
            required("author", pa.string()),
            required("licence", pa.string()),  # SPDX-like id, "unknown" when it cannot be told
            required("licence_text", pa.string()),  # as the source wrote it
            required("sha256", pa.string()),
            required("size_bytes", pa.int64()),
            required("status", pa.string()),  # ok | failed
            required("error", pa.string()),
            required("metadata", pa.string()),  # sorted JSON: {"scene": {…}}, {"captions": {…}} or {"category": …}
            pa.field("image", pa.binary()),  # the retrieved bytes, null when status is failed
        ]
    ),
)
