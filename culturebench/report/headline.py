"""What a reader should know after one minute, said from the numbers and never beyond them."""

from __future__ import annotations

from typing import Any

from culturebench.conditions import Condition, condition
from culturebench.evaluation.names import CULTURE
from culturebench.report import words
from culturebench.report.results import Results


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
    if results.verdict("cultural", CULTURE, "noun") == "better":
        return text + " So the knowledge is there, and the noun alone does not call it."
    return text + " That is no evidence that the modifier calls up more than the noun does."


def findings(results: Results) -> list[dict[str, Any]]:
    """A line for each intervention: `{condition, subject, before, after, delta, verdict, control, baselines}`.

    `baselines` holds a sentence for each condition that a user could take instead.
    """
    found: list[dict[str, Any]] = []
    for record in map(condition, results.conditions):
        if record.edit is None or record.control is not None:
            continue
        culture = results.get(record.name, CULTURE)
        delta = results.get(record.name, CULTURE, against=record.reference)
        if not culture or not delta or culture["value"] is None or delta["value"] is None:
            continue
        before = results.get(record.reference, CULTURE)
        found.append(
            {
                "condition": record.name,
                "subject": record.subject,
                "before": before["value"] if before else None,
                "after": culture["value"],
                "delta": delta,
                "verdict": results.verdict(record.name, CULTURE, record.reference),
                "control": _beside(results, record),
                "baselines": list(filter(None, (_baseline(results, record.name, c) for c in record.baselines))),
            }
        )
    return found


def _baseline(results: Results, name: str, other: str) -> str:
    """Whether an intervention does better than what a user could take instead of it."""
    delta = results.get(name, CULTURE, against=other)
    if delta is None or delta["value"] is None:
        return ""
    said = {"better": "beats", "worse": "is worse than", "none": "does not beat"}[results.verdict(name, CULTURE, other)]
    return f"It {said} {words.inline(other)}: {words.change(delta)}."


def strongest(results: Results, record: Condition) -> str | None:
    """Of the condition's nulls that were measured, the one that leaves least of its effect; None without any."""
    left: dict[str, float] = {}
    for control, name in zip(record.controls, record.control_names, strict=True):
        delta = results.get(record.name, CULTURE, against=name)
        if control.null and delta is not None and delta["value"] is not None:
            left[name] = -delta["value"] if record.lowers else delta["value"]
    return min(left, key=lambda name: left[name]) if left else None


def _beside(results: Results, record: Condition) -> str:
    """Whether the effect goes beyond that of the strongest null."""
    control = strongest(results, record)
    delta = results.get(record.name, CULTURE, against=control) if control else None
    if control is None or delta is None or delta["value"] is None:
        return ""
    against = f"{words.change(delta)} against its strongest null, {words.inline(control)}"
    if results.verdict(record.name, CULTURE, control) == "none":
        return f"no evidence beyond chance: {against}"
    return against
