"""Judges and people on the same real pictures, as plain values for the template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from culturebench.report import published

if TYPE_CHECKING:
    from culturebench.artifacts.reliability import Reliability

_SCRIPTED = "scripted-"


def values(found: Mapping[str, Reliability]) -> dict[str, Any]:
    """`{judges, scripted, paper}` of judge -> what the artifact `reliability` holds.

    The paper's values are for real pictures, so they do not stand beside those of scripted annotators.
    """
    scripted = any(name.startswith(_SCRIPTED) for one in found.values() for name in one["annotators"])
    return {
        "judges": list(found.items()),
        "scripted": scripted,
        "paper": None if scripted else published.RELIABILITY,
    }
