"""The report's tables, shaped like the paper's, as plain values for the templates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from culturebench.evaluation.names import CULTURE, LANGUAGE, OBJECT, PLAIN
from culturebench.report import published
from culturebench.report.results import Results

Row = dict[str, Any]

#: The chart at the top: heading -> conditions, each followed by its control.
SUMMARY = {
    "From the prompt alone": ("noun_en", "noun", "cultural"),
    "Bringing it back, from the noun": ("amplified", "random_amplified", "enhanced", "random_layer_enhanced"),
    "Bringing it back, from English": ("activated", "random_activated"),
    "Taking it away, from the cultural caption": ("masked", "random_masked"),
}
MAIN = ("noun", "amplified", "enhanced", "cultural", "noun_en", "activated")
VALIDATION = ("cultural", "masked", "random_masked")
ABLATION = (
    "noun", "amplified", "random_amplified", "enhanced", "random_layer_enhanced",
    "noun_en", "activated", "random_activated",
)  # fmt: skip
BY_REGION = ("noun_en", "noun", "amplified", "enhanced", "activated", "masked", "cultural")


def summary(results: Results) -> list[dict[str, Any]]:
    """Groups of conditions with their CultureVQA: `{heading, rows: [{condition, kind, row, delta, verdict}]}`."""
    groups: list[dict[str, Any]] = []
    for heading, names in SUMMARY.items():
        rows = [_summary_row(results, name) for name in results.present(names) if results.get(name, CULTURE)]
        if rows:
            groups.append({"heading": heading, "rows": rows})
    return groups


def _summary_row(results: Results, name: str) -> dict[str, Any]:
    delta = results.delta(name, CULTURE)
    kind = "control" if name.startswith("random_") else "plain"
    if name in results.control:
        kind = "lower" if name == "masked" else "raise"
    return {
        "condition": name,
        "kind": kind,
        "row": results.get(name, CULTURE),
        "delta": delta,
        "against": results.reference.get(name, ""),
        "verdict": results.verdict(name, CULTURE),
    }


def comparison(results: Results, paper: str, names: Sequence[str]) -> dict[str, Any]:
    """A table of conditions: CultureVQA and its differences, each judge, other measures; beside them those of `paper`.

    `{columns, rows: [{condition, strength, culture, delta, against, verdict, random, beyond, judges, cells, paper}],
    missing: [(measure, reason)], paper}`.
    """
    others = [name for name in (OBJECT, PLAIN, *results.other_measures()) if name != CULTURE]
    present = results.present(names)
    run = [name for name in others if any(_value(results.get(c, name)) is not None for c in present)]
    missing = [(name, reason) for name in others if name not in run and (reason := _reason(results, present, name))]
    rows = [_comparison_row(results, paper, name, run) for name in present]
    return {
        "columns": run,
        "judges": results.judges,
        "rows": rows,
        "missing": missing,
        "paper": any(row["paper"] is not None for row in rows),
        "random": any(row["random"] for row in rows),
    }


def _comparison_row(results: Results, paper: str, name: str, others: Sequence[str]) -> dict[str, Any]:
    culture, delta, random = (
        results.get(name, CULTURE), results.delta(name, CULTURE), results.delta_random(name, CULTURE)
    )  # fmt: skip
    return {
        "condition": name,
        "strength": culture["strength"] if culture else None,
        "culture": culture,
        "delta": delta,
        "against": results.reference.get(name, ""),
        "verdict": results.verdict(name, CULTURE),
        "random": random,
        "beyond": results.verdict(name, CULTURE, random=True),
        "judges": [results.get(name, CULTURE, judge) for judge in results.judges],
        "cells": [
            {
                "row": row,
                "share": measure in (OBJECT, PLAIN),
                "verdict": results.verdict(name, measure) if name in results.reference else "",
                "paper": published.value(paper, name, measure),
            }
            for measure in others
            for row in (results.get(name, measure),)
        ],
        "paper": published.value(paper, name, CULTURE),
    }


def by_region(results: Results, regions: Sequence[str]) -> dict[str, Any]:
    """CultureVQA of each region under each condition, and by language where regions share one."""
    names = results.present(BY_REGION)
    return {
        "conditions": names,
        "rows": [(code, [results.get(name, CULTURE, region=code) for name in names]) for code in regions],
        "all": [results.get(name, CULTURE) for name in names],
        "language": [results.get(name, LANGUAGE) for name in names],
    }


def confusion(rows: Iterable[Row], model: str, condition: str, regions: Sequence[str]) -> dict[str, Any] | None:
    """Shares of each answer by true region, all judges together: `{truths, answers, shares}`; None without rows."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if (row["model"], row["condition"]) == (model, condition):
            counts[row["truth"], row["answer"]] += row["count"]
    if not counts:
        return None
    others = sorted({answer for _, answer in counts} - set(regions), key=lambda a: (a != "unrecognizable", a))
    answers = [*regions, *others]
    totals = {truth: sum(counts[truth, answer] for answer in answers) for truth in regions}
    shares = [[counts[t, a] / totals[t] if totals[t] else 0.0 for a in answers] for t in regions]
    return {"condition": condition, "truths": list(regions), "answers": answers, "shares": shares}


def agreement(results: Results) -> list[tuple[str, list[Row]]]:
    """Kappa of the judges by condition."""
    return [(name, rows) for name in results.conditions if (rows := results.agreement(name))]


def _value(row: Mapping[str, Any] | None) -> float | None:
    return row["value"] if row else None


def _reason(results: Results, names: Sequence[str], measure: str) -> str:
    reasons = [row["reason"] for name in names if (row := results.get(name, measure)) and row["reason"]]
    return reasons[0].removeprefix("not run: ") if reasons else ""
