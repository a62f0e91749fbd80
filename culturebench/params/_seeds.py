"""Lists of seeds."""

from typing import Annotated

from pydantic import AfterValidator, Field


def _different(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise ValueError("seeds are whole numbers from 0 on, each once")
    return seeds


#: At least one seed, each once.
Seeds = Annotated[tuple[int, ...], Field(min_length=1), AfterValidator(_different)]
