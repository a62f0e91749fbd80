"""How the report names things and writes numbers."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from culturebench.conditions import condition as record_of
from culturebench.measures import records

#: Region code -> the name that a reader knows; a code without a name shows as it is.
REGION_NAMES = {
    "arab": "Arab world",
    "cn": "China",
    "jp": "Japan",
    "kr": "Korea",
    "th": "Thailand",
    "de": "Germany",
    "ru": "Russia",
    "it": "Italy",
    "nl": "Netherlands",
    "pl": "Poland",
    "tr": "Türkiye",
    "ua": "Ukraine",
    "es": "Spain",
    "pt": "Portugal",
    "fr": "Francophone Africa",
    "in": "India",
    "vn": "Vietnam",
    "mx": "Mexico",
    "br": "Brazil",
    "anglo": "Anglo",
    "unrecognizable": "none",
    "unparseable": "no option",
}


def region(code: str) -> str:
    """The region's name."""
    return REGION_NAMES.get(code, code)


def column(code: str) -> str:
    """The region's name for a narrow column: long words may break, with a hyphen."""
    return " ".join(f"{word[:6]}\u00ad{word[6:]}" if len(word) > 10 else word for word in region(code).split(" "))


def condition(name: str) -> str:
    """The condition's label."""
    return record_of(name).label


def inline(name: str) -> str:
    """The condition's label within a sentence."""
    label = condition(name)
    return label if label.startswith("English") else label[:1].lower() + label[1:]


def explained(name: str) -> str:
    """What the condition is, and of a control what it asks."""
    record = record_of(name)
    return f"{record.explained}: {record.control.question}" if record.control else record.explained


def measure(name: str) -> str:
    """The measure's column head."""
    return records.measure(name).head


def direction(text: str) -> str:
    """`rtl` or `ltr`, by the first letter that has a direction (Unicode UAX 9, rule P2)."""
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind in ("R", "AL"):
            return "rtl"
        if kind == "L":
            return "ltr"
    return "ltr"


def code(text: str) -> str:
    """The text as HTML, what stands between backticks as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))


def layer(index: int, count: int) -> str:
    """A layer as people count them, with its module index."""
    return f"layer {index + 1} of {count} (index {index})"


def k_decided(counts: Mapping[str, int]) -> str:
    """What decided K, in one sentence; `counts` as `artifacts.neurons.decided` names it."""
    total = sum(counts.values())
    names = {
        "elbow": "the elbow of the ranked scores (Kneedle) decides",
        "min_k": "the lower bound `min_k` decides, not the elbow",
        "max_k": "the upper bound `max_k` decides, not the elbow",
        "no elbow": "the curve has no elbow, and the bounds alone decide",
    }
    told = [f"in {counts[name]} of {total} curves {text}" for name, text in names.items() if counts.get(name)]
    return f"K, how many latents are candidates: {'; '.join(told)}." if told else ""


def percent(share: float | None, digits: int = 1) -> str:
    """A share as percent."""
    return "–" if share is None else f"{share * 100:.{digits}f}%"


def points(difference: float | None) -> str:
    """A difference of shares in points, with its sign."""
    if difference is None:
        return "–"
    return f"{difference * 100 + 0.0:+.1f}".replace("-", "−")


def interval(row: Mapping[str, Any] | None, *, share: bool = True, signed: bool = False) -> str:
    """`[low, high]` of whatever has these two; empty without them."""
    if row is None or row["low"] is None:
        return ""
    scale, digits = (100, 1) if share else (1, 3)
    sign = "+" if signed else ""
    low, high = (f"{row[end] * scale + 0.0:{sign}.{digits}f}".replace("-", "−") for end in ("low", "high"))
    return f"[{low}, {high}]"


def interval_by_region(row: Mapping[str, Any] | None, *, share: bool = True, signed: bool = False) -> str:
    """`[low, high]` for regions like these."""
    return interval(row and {"low": row["low_by_region"], "high": row["high_by_region"]}, share=share, signed=signed)


def change(delta: Mapping[str, Any]) -> str:
    """A difference in points with both intervals: of these regions' prompts, and of regions like these."""
    others = interval_by_region(delta, signed=True)
    within = f"{points(delta['value'])} points {interval(delta, signed=True)}".rstrip()
    return f"{within}, by region {others}" if others else within


def by_region(row: Mapping[str, Any], *, level: float = 0.95) -> str:
    """What the test says of regions like these; empty where there is none."""
    p_value = row["p_by_region"]
    return "" if p_value is None else "" if p_value <= 1 - level else " no evidence"


def number(value: float | None) -> str:
    """A value with three decimals."""
    return "–" if value is None else f"{value + 0.0:.3f}".replace("-", "−")


def verdict(found: str) -> str:
    """The verdict of a test as the report says it."""
    return "no evidence" if found == "none" else found
