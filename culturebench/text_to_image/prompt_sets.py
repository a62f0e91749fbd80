"""The sets of prompts that a condition's pictures are made from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from culturebench.artifacts import prompts as prompt_sets

if TYPE_CHECKING:
    from culturebench.artifacts.prompts import PromptRow
    from culturebench.params.prompts import Prompts


def sets_for(condition: str, prompts: Prompts, folder: Path) -> Iterator[tuple[str, list[PromptRow]]]:
    """Each set's name, and its rows as `load_prompts` wrote them in `folder`: none where it leaves `condition` out."""
    for name, source in prompts.root.items():
        yield name, prompt_sets.TABLE.load(folder / f"{name}.parquet") if source.asks(condition) else []
