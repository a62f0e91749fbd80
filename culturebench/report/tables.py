"""The report's tables, shaped like the paper's, as plain values for the templates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from culturebench.conditions import CONDITIONS, condition
from culturebench.evaluation.names import ALL, CULTURE, NAMED
from culturebench.measures import records
from culturebench.report import published
from culturebench.report.results import Results

if TYPE_CHECKING:
    from culturebench.artifacts.evaluation import ConfusionRow, EvaluationRow as Row


#: Pictures of the region's own: no controls.
OWN = tuple(one.name for one in CONDITIONS if one.control is None)
#: The first table, as the paper has it: what is meant to show culture, and what it starts from.
MAIN = tuple(one.name for one in CONDITIONS if one.control is None and not one.lowers)


def beside(*, lowers: bool) -> tuple[str, ...]:
    """Conditions that are meant to take culture away, or to bring it back: each reference, then they and controls."""
    wanted = [one for one in CONDITIONS if one.edit and one.control is None and one.lowers == lowers]
    names: list[str] = []
    for reference in dict.fromkeys(one.reference for one in wanted):
        names.append(reference)
        for one in wanted:
            names += [one.name, *one.control_names] if one.reference == reference else []
    return tuple(names)


VALIDATION, ABLATION = beside(lowers=True), beside(lowers=False)


def summary(results: Results) -> list[dict[str, Any]]:
    """Groups of conditions with their CultureVQA: `{heading, rows: [{condition, kind, row, delta, verdict}]}`."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for name in results.conditions:
        if results.get(name, CULTURE):
            groups.setdefault(condition(name).heading, []).append(_summary_row(results, name))
    return [{"heading": heading, "rows": rows} for heading, rows in groups.items()]


def _summary_row(results: Results, name: str) -> dict[str, Any]:
    record = condition(name)
    kind = "control" if record.control else "plain" if record.edit is None else "lower" if record.lowers else "raise"
    return {
        "condition": name,
        "kind": kind,
        "row": results.get(name, CULTURE),
        "delta": _delta(results, name, CULTURE),
        "against": record.reference,
        "verdict": results.verdict(name, CULTURE, record.reference),
    }


def _delta(results: Results, name: str, measure: str) -> Row | None:
    reference = condition(name).reference
    return results.get(name, measure, against=reference) if reference else None


def comparison(results: Results, paper: str, names: Sequence[str]) -> dict[str, Any]:
    """A table of conditions: CultureVQA and its differences, each judge, other measures; beside them those of `paper`.

    `{columns, rows: [{condition, strength, culture, delta, against, verdict, controls, judges, cells, paper}],
    missing: [(measure, reason)], paper}`.
    """
    others, present = records.at("column"), results.present(names)
    run = [name for name in others if any(_value(results.get(c, name)) is not None for c in present)]
    missing = [(name, reason) for name in others if name not in run and (reason := _reason(results, present, name))]
    rows = [_comparison_row(results, paper, name, run) for name in present]
    return {
        "columns": run,
        "judges": results.judges,
        "rows": rows,
        "missing": missing,
        "paper": any(row["paper"] is not None for row in rows),
        "controls": any(row["controls"] for row in rows),
    }


def _comparison_row(results: Results, paper: str, name: str, others: Sequence[str]) -> dict[str, Any]:
    record, culture = condition(name), results.get(name, CULTURE)
    return {
        "condition": name,
        "strength": culture["strength"] if culture else None,
        "culture": culture,
        "delta": _delta(results, name, CULTURE),
        "against": record.reference,
        "verdict": results.verdict(name, CULTURE, record.reference),
        "controls": [
            {"row": row, "against": other, "verdict": results.verdict(name, CULTURE, other)}
            for other in (*record.control_names, *record.baselines)
            if (row := results.get(name, CULTURE, against=other))
        ],
        "judges": [results.get(name, CULTURE, judge) for judge in results.judges],
        "cells": [
            {
                "row": row,
                "share": records.measure(measure).unit == "share",
                "verdict": results.verdict(name, measure, record.reference) if record.reference else "",
                "paper": published.value(paper, name, measure),
            }
            for measure in others
            for row in (results.get(name, measure),)
        ],
        "paper": published.value(paper, name, CULTURE),
    }


def by_region(results: Results, regions: Sequence[str]) -> dict[str, Any]:
    """CultureVQA of each region under each condition, and under `language` what goes by language: (label, row)."""
    names = results.present(OWN)
    return {
        "conditions": names,
        "rows": [(code, [results.get(name, CULTURE, region=code) for name in names]) for code in regions],
        "all": [results.get(name, CULTURE) for name in names],
        "language": [
            (records.measure(measure).label, row)
            for measure in records.at("language")
            if any(row := [results.get(name, measure) for name in names])
        ],
    }


def settings_by_region(results: Results, regions: Sequence[str]) -> list[dict[str, Any]]:
    """The paper's three settings of each region: unedited, edited, and edited at random, with what both change.

    One table for each condition that takes culture away: `{conditions, rows: [(code, [{row, delta}])], all}`;
    `delta` is the paired difference from the first of the three, None for itself.
    """
    tables: list[dict[str, Any]] = []
    for one in (one for one in CONDITIONS if one.lowers and one.control is None):
        names = results.present([one.reference, one.name, *one.control_names[:1]])
        if one.name in names:
            rows = [
                (code, [_setting(results, name, code, one.reference) for name in names]) for code in (*regions, ALL)
            ]
            tables.append({"conditions": names, "rows": rows[:-1], "all": rows[-1][1]})
    return tables


def _setting(results: Results, name: str, region: str, reference: str) -> dict[str, Row | None]:
    delta = results.get(name, CULTURE, region=region, against=reference) if name != reference else None
    return {"row": results.get(name, CULTURE, region=region), "delta": delta}


def confusion(rows: Iterable[ConfusionRow], model: str, name: str, regions: Sequence[str]) -> dict[str, Any] | None:
    """Shares of each answer by true region, all judges together: `{truths, answers, shares}`; None without rows."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if (row["model"], row["condition"]) == (model, name):
            counts[row["truth"], row["answer"]] += row["count"]
    if not counts:
        return None
    others = sorted({answer for _, answer in counts} - set(regions), key=lambda a: (a != "unrecognizable", a))
    answers = [*regions, *others]
    totals = {truth: sum(counts[truth, answer] for answer in answers) for truth in regions}
    shares = [[counts[t, a] / totals[t] if totals[t] else 0.0 for a in answers] for t in regions]
    return {"condition": name, "truths": list(regions), "answers": answers, "shares": shares}


def agreement(results: Results) -> list[tuple[str, list[Row]]]:
    """Kappa of the judges by condition."""
    return [(name, rows) for name in results.conditions if (rows := results.agreement(name))]


def named(results: Results) -> dict[str, dict[str, Row | None]]:
    """Condition -> the pictures whose region is named, rightly and at all."""
    return {name: {"right": results.get(name, CULTURE), "any": results.get(name, NAMED)} for name in results.conditions}


def _value(row: Row | None) -> float | None:
    return row["value"] if row else None


def _reason(results: Results, names: Sequence[str], measure: str) -> str:
    reasons = [row["reason"] for name in names if (row := results.get(name, measure)) and row["reason"]]
    return reasons[0].removeprefix("not run: ") if reasons else ""
