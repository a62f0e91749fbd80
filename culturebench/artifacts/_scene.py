"""What a drawn picture truly shows, as a row holds it and as Arrow does."""

from typing import TypedDict

import pyarrow as pa

from culturebench.artifacts._table import required


class SceneRow(TypedDict):
    """A scene of the atlas; `region` and `subdivision` are "" for a plain object."""

    object: str
    place: str
    light: str
    framing: str
    companion: str
    region: str
    subdivision: str
    seed: int


SCENE = pa.struct(
    [
        *(required(name, pa.string()) for name in SceneRow.__annotations__ if name != "seed"),
        required("seed", pa.int64()),
    ]
)
