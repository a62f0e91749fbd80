"""The sets of prompts that a condition's pictures are made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from culturebench.artifacts import prompts as prompt_sets

if TYPE_CHECKING:
    from culturebench.artifacts.prompts import PromptRow
    from culturebench.params.prompts import Prompts


def sets_for(
    condition: str, prompts: Prompts, folder: Path, seeds: Sequence[int]
) -> Iterator[tuple[str, list[PromptRow], Sequence[int]]]:
    """Each set's name, its rows as `load_prompts` wrote them in `folder`, and those of the `seeds` that it takes.

    A set that leaves `condition` out has no rows.
    """
    for name, source in prompts.root.items():
        rows = prompt_sets.TABLE.load(folder / f"{name}.parquet") if source.asks(condition) else []
        yield name, rows, seeds[: source.seeds]
