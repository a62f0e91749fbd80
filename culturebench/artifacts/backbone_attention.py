"""How a denoiser's attention to modifier and noun differs with a cultural modifier, by block and step."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

from culturebench.artifacts._json import JsonFile

STAGE = "probe_attention"
DIRECTORY = "data/attention"
PATH = DIRECTORY + "/{model}.json"


class Block(TypedDict):
    """One block, for the tokens of one `part` of the prompt (modifier | noun).

    `delta` is the attention under cultural minus that under neutral modifiers, in units of an even share of the
    prompt's own tokens; `steps` the same by step; the placebo words' `placebo`, and `low` and `high` of sets of them.
    """

    block: str
    part: str
    delta: float
    steps: list[float]
    placebo: float
    low: float
    high: float


class BackboneAttention(TypedDict):
    """`closed` says why nothing was read, and then there are no blocks; `words` are placebo words of `regions`."""

    closed: str
    pairs: int
    words: int
    regions: int
    blocks: list[Block]


KEYS = frozenset(BackboneAttention.__annotations__)


def _whole(content: Any) -> bool:
    return content.keys() == KEYS


FILE: JsonFile[BackboneAttention] = JsonFile(STAGE, f"exactly the keys {', '.join(sorted(KEYS))}", _whole)
save, load = FILE.save, FILE.load


def save_closed(path: Path, reason: str) -> None:
    """Write why there is nothing."""
    save(path, {"closed": reason, "pairs": 0, "words": 0, "regions": 0, "blocks": []})
