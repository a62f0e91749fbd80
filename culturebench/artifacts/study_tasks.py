"""What each block of the study is asked, in which order, and the pictures as they are shown."""

from typing import Final, TypedDict

import pyarrow as pa

from culturebench.artifacts._table import Table, required

STAGE = "plan_study"
PATH = "data/study/tasks.parquet"
SHOWN_PATH = "data/study/shown.parquet"
#: The kinds of task, in the order in which a person gets them: the last two tell the culture.
KINDS = ("scc", "mcc", "csr")
#: What counts; a real picture with a known answer; a task of the same block for the second time.
ITEM, GOLD, REPEAT = ROLES = ("item", "gold", "repeat")
UNCERTAIN = "uncertain"
#: Answers beside the letters of a grid, and beside 1 to 5.
NONE: Final = "none"
UNKNOWN: Final = "unknown"
#: What is asked beside csr, of the same picture; and what may be answered.
STEREOTYPE = "stereotype"
YES: Final = "yes"
NO: Final = "no"


class TaskRow(TypedDict):
    """One task of one block."""

    block: str
    order: int
    task_id: str
    kind: str
    role: str
    prompt_id: str
    region: str
    seed: int
    conditions: list[str]
    shown: list[str]
    real: list[str]
    options: list[str]
    picture: str


TABLE = Table(
    row=TaskRow,
    stage=STAGE,
    key=("block", "order"),
    schema=pa.schema(
        [
            required("block", pa.string()),  # 01, 02, …
            required("order", pa.int32()),  # within the block, from 0
            required("task_id", pa.string()),  # a hash, which tells nothing
            required("kind", pa.string()),  # scc | mcc | csr
            required("role", pa.string()),  # item | gold | repeat
            required("prompt_id", pa.string()),  # of gold the first picture's id
            required("region", pa.string()),  # the right answer of scc; the culture that mcc and csr ask for
            required("seed", pa.int64()),  # of the initial noise; 0 for gold
            required("conditions", pa.list_(pa.string())),  # of the pictures, in the order of a grid; gold's are ""
            required("shown", pa.list_(pa.string())),  # the regions of gold's pictures, else ""
            required("real", pa.list_(pa.string())),  # the picture ids of gold's pictures, else ""
            required("options", pa.list_(pa.string())),  # in the order shown: regions, letters or 1 to 5, and no answer
            required("picture", pa.string()),  # sha256 of what is shown
        ]
    ),
)


class ShownRow(TypedDict):
    """One picture, or one grid of pictures."""

    picture: str
    image: bytes


SHOWN = Table(
    row=ShownRow,
    stage=STAGE,
    key=("picture",),
    schema=pa.schema(
        [
            required("picture", pa.string()),  # sha256 of the bytes
            required("image", pa.binary()),  # PNG without metadata
        ]
    ),
)
