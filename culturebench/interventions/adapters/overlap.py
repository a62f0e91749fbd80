"""Concepts that an adapter trains by may not be those that CSS measures it by. Imports no torch: params are checked."""

from __future__ import annotations

from collections.abc import Sequence

from culturebench.errors import CultureBenchError


class ConceptError(CultureBenchError):
    """Concepts that are missing, or that evaluation uses as well."""


def refuse_overlap(trained: int | Sequence[str], measured: Sequence[str]) -> None:
    """`ConceptError` where a text that adapters train by is one that CSS measures by: it would praise its own work."""
    known = {text.casefold().strip() for text in measured}
    for text in () if isinstance(trained, int) else trained:
        if text.casefold().strip() in known:
            raise ConceptError(
                f"{text!r} stands in train_adapter.concepts and in measure.cultural_similarity.concepts: CSS would "
                "measure what the loss was given; write other texts for one of the two"
            )
