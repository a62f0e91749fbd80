"""The study with people, as plain values for the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from culturebench.report import published

if TYPE_CHECKING:
    from culturebench.artifacts.study import Kind, Study

#: Kind -> what it asks, what its number is, and what an answer without one is called.
KINDS = {
    "scc": ("Which culture? (SCC)", "Share of answers that name the region of the prompt", "Uncertain"),
    "mcc": ("Which of these? (MCC)", "Share of pictures chosen as of the region, among one of each condition", "None"),
    "csr": ("How well? (CSR)", "Mean rating of 1 to 5, as (x \u2212 1) / 4", "Culture not known"),
    "stereotype": (
        "A stereotype? (asked beside CSR)",
        "Share of yes among yes and no; compared with the cultural prompt if it is shown, since few pictures of other "
        "prompts show a culture at all. Whoever has lived in the region may see it otherwise than who has not",
        "Nothing of it, or cannot tell",
    ),
}
RATINGS = ("1", "2", "3", "4", "5", "unknown")
_ASIDE = {
    "other_plan": "to tasks of another plan",
    "other_block": "in a block that is not the person's",
    "no_consent": "of people who have not consented",
}


def values(found: Study | Mapping[str, Any], paper: str) -> dict[str, Any] | None:
    """What the chapter shows; None without a study. `paper` is the paper's name of the model, "" where it has none."""
    if not found:
        return None
    people = found["participants"].values()
    kinds = [kind for kind in KINDS if kind in found["everyone"]]
    return {
        "found": found,
        "left_out": sum(one["left_out"] for one in people),
        "alike": (sum(one["alike"] for one in people), sum(one["repeats"] for one in people)),
        "too_fast": sum(one["too_fast"] for one in people),
        "aside": [(why, n) for key, why in _ASIDE.items() if (n := found["set_aside"][key])],
        "kinds": [_kind(kind, found) for kind in kinds],
        "ratings": _ratings(found["everyone"]["csr"], found["conditions"]) if "csr" in kinds else [],
        "confusions": _confusions(found["everyone"]["scc"], found["conditions"]) if "scc" in kinds else [],
        "paper": published.CSR if paper else None,
    }


def _kind(kind: str, found: Any) -> dict[str, Any]:
    head, what, none = KINDS[kind]
    every, kept = found["everyone"][kind], found["by_rule"].get(kind)
    return {
        "head": head,
        "what": what,
        "none": none,
        "against": every["against"],
        "alpha": every,
        "rows": [_row(name, every, kept, found["level"]) for name in found["conditions"]],
    }


def _row(name: str, every: Kind, kept: Kind | None, level: float) -> dict[str, Any]:
    differences = {one["condition"]: one for one in every["differences"]}
    by_rule = {one["condition"]: one for one in kept["differences"]} if kept else {}
    return {
        "condition": name,
        **every["conditions"][name],
        "by_rule": kept["conditions"][name]["mean"] if kept else None,
        "difference": differences.get(name),
        "difference_by_rule": by_rule.get(name),
        "verdict": _verdict(differences.get(name), level),
    }


def _verdict(difference: Any, level: float) -> str:
    if difference is None or difference["p_value"] is None:
        return ""
    if difference["p_value"] > 1 - level:
        return "no evidence"
    return "higher" if difference["value"] > 0 else "lower"


def _ratings(csr: Kind, conditions: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"condition": name, "counts": [csr["conditions"][name]["answers"].get(key, 0) for key in RATINGS]}
        for name in conditions
    ]


def _confusions(scc: Kind, conditions: Sequence[str]) -> list[dict[str, Any]]:
    """Of each condition: a row for each region of the prompt, what was named most often besides it."""
    found: list[dict[str, Any]] = []
    for name in conditions:
        rows = [
            {
                "region": region,
                "right": answers.get(region, 0),
                "all": sum(answers.values()),
                "others": sorted(((n, other) for other, n in answers.items() if other != region), reverse=True)[:3],
            }
            for region, answers in scc["conditions"][name]["answers"].items()
        ]
        found.append({"condition": name, "rows": rows})
    return found
