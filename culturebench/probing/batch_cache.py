"""Where a probe keeps what an encoder's passes gave, so that a run that is killed loses the batches at work."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from culturebench.code import code_hash
from culturebench.engine.worker import Cached
from culturebench.pins import fingerprint, pin_path
from culturebench.store import Store, key_of

if TYPE_CHECKING:
    from culturebench.params.encoders import Encoder

Values = NDArray[np.float64]
#: Libraries whose version can change what a pass gives.
LIBRARIES = ("torch", "transformers", "tokenizers")
#: Code of ours that does, with all that it imports; relative to the package.
CODE = ("probing/attention.py", "probing/causal.py", "text_to_image/loading.py")


def cached_passes(source: Encoder, pins: Path, settings: Mapping[str, Any], store: Store) -> Cached[Any, Values]:
    """Arrays of equal shapes, one an item, by batches: float sums may depend on a batch's other rows.

    Items are dataclasses; `settings` (JSON) is what a pass depends on beside them, the encoder and its pin in `pins`.
    """
    same = {
        **settings,
        "weights": fingerprint(pin_path(pins, source.pin)),
        "encoder": source.reading,
        "libraries": {name: version(name) for name in LIBRARIES},
        "code": code_hash(*CODE, reached=True),
    }

    def key(items: Sequence[Any]) -> str:
        return key_of({**same, "items": [asdict(item) for item in items]})

    return Cached(store, key, _dump, _restore)


def _dump(values: list[Values]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.stack(values), allow_pickle=False)
    return stream.getvalue()


def _restore(content: bytes) -> list[Values]:
    return list(cast(Values, np.load(io.BytesIO(content), allow_pickle=False)))
