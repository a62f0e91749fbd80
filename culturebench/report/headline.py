"""What a reader should know after one minute, said from the numbers and never beyond them."""

from __future__ import annotations

from typing import Any

from culturebench.evaluation.names import CULTURE
from culturebench.report import words
from culturebench.report.results import Results

Row = dict[str, Any]

_SUBJECTS = {
    "amplified": "Amplifying the region's culture neurons",
    "enhanced": "The trained enhancer at the culture layer",
    "activated": "Switching the neurons on, in English",
    "masked": "Setting the culture neurons to 0",
}


def lead(results: Results) -> str:
    """One or two sentences on how much culture a noun loses; empty when it was not measured."""
    noun, cultural = results.get("noun", CULTURE), results.get("cultural", CULTURE)
    if not noun or not cultural or noun["value"] is None or cultural["value"] is None:
        return ""
    text = (
        f"Asked with a noun in the region's own language, the model shows that region's culture in "
        f"{words.percent(noun['value'], 0)} of its pictures. With a culture-style modifier before the noun it is "
        f"{words.percent(cultural['value'], 0)}."
    )
    if results.verdict("cultural", CULTURE) == "better":
        return text + " So the knowledge is there, and the noun alone does not call it."
    return text + " That is no evidence that the modifier calls up more than the noun does."


def findings(results: Results) -> list[dict[str, Any]]:
    """A line for each intervention: `{condition, subject, before, after, delta, verdict, control}`."""
    found: list[dict[str, Any]] = []
    for name in results.present(tuple(_SUBJECTS)):
        culture, delta = results.get(name, CULTURE), results.delta(name, CULTURE)
        if not culture or not delta or culture["value"] is None or delta["value"] is None:
            continue
        before = results.get(results.reference[name], CULTURE)
        found.append(
            {
                "condition": name,
                "subject": _SUBJECTS[name],
                "before": before["value"] if before else None,
                "after": culture["value"],
                "delta": delta,
                "verdict": results.verdict(name, CULTURE),
                "control": _control(results, name),
            }
        )
    return found


def _control(results: Results, name: str) -> str:
    """Whether the effect goes beyond that of the random control."""
    delta = results.delta_random(name, CULTURE)
    if delta is None or delta["value"] is None:
        return ""
    other = words.inline(results.control[name])
    against = f"{words.points(delta['value'])} points {words.interval(delta, signed=True)} against {other}"
    if results.verdict(name, CULTURE, random=True) == "none":
        return f"no evidence beyond chance: {against}"
    return against
