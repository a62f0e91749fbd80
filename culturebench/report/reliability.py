"""Judges and people on the same real pictures, as plain values for the template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from culturebench.artifacts.reliability import FORMS
from culturebench.report import published

if TYPE_CHECKING:
    from culturebench.artifacts.reliability import Reliability

_SCRIPTED = "scripted-"


def values(found: Mapping[str, Mapping[str, Reliability]]) -> dict[str, Any]:
    """`{forms: [{form, judges, paper}], scripted}` of judge -> what the artifact `reliability` holds.

    The paper's pair is of its own form and of photographs: it stands beside no other form and no scripted annotators.
    """
    scripted = any(
        name.startswith(_SCRIPTED) for one in found.values() for form in one.values() for name in form["annotators"]
    )
    forms = [
        {
            "form": form,
            "judges": [(judge, one[form]) for judge, one in found.items() if form in one],
            "paper": published.RELIABILITY if form == published.RELIABILITY_FORM and not scripted else None,
        }
        for form in FORMS
    ]
    return {"forms": [one for one in forms if one["judges"]], "scripted": scripted}
