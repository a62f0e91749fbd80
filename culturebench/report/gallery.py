"""Pictures for the report: the first prompt and seed of each region under every condition, as data URIs."""

from __future__ import annotations

import base64
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PIL import Image

from culturebench.conditions import CONDITIONS, condition
from culturebench.ethics import marked
from culturebench.report import words

if TYPE_CHECKING:
    from culturebench.artifacts.pictures import PictureRow as Row


#: Columns of the grid: from the prompt alone, then what brings culture back, then what takes it away.
COLUMNS = tuple(one.name for one in CONDITIONS if one.control is None)


def columns(shown: Collection[str]) -> list[tuple[str, bool]]:
    """Those of the columns that are shown, each with whether it is the first of its kind."""
    found: list[tuple[str, bool]] = []
    last: object = ""
    for name in COLUMNS:
        if name in shown:
            edit = condition(name).edit
            kind = edit.direction if edit else "none"
            found.append((name, kind != last))
            last = kind
    return found


def data_uri(png: bytes, pixels: int) -> str:
    """The picture as a `data:` URI, at most `pixels` wide and high, with the mark of a synthetic one."""
    with Image.open(io.BytesIO(png)) as picture:
        if max(picture.size) > pixels:
            picture.thumbnail((pixels, pixels), Image.Resampling.LANCZOS)
            buffer = io.BytesIO()
            picture.convert("RGB").save(buffer, format="PNG", optimize=True)
            png = buffer.getvalue()
    return "data:image/png;base64," + base64.b64encode(marked(png)).decode("ascii")


def first_prompts(rows: Iterable[Row], regions: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Region -> its first (prompt id, seed), so that nobody picks."""
    first: dict[str, tuple[str, int]] = {}
    for row in rows:
        key = (row["prompt_id"], row["seed"])
        first[row["region"]] = min(key, first.get(row["region"], key))
    return {code: first[code] for code in regions if code in first}


def grid(
    pictures: Mapping[str, Mapping[tuple[str, int], Row]], regions: Sequence[str], pixels: int
) -> list[dict[str, Any]]:
    """One row per region: `{region, prompts: [(condition, text, lang, dir)], cells: [{condition, uri, alt} or None]}`.

    `pictures` maps a condition to its picture rows by (prompt id, seed).
    """
    shown = [name for name in COLUMNS if name in pictures]
    first = first_prompts(pictures[shown[0]].values() if shown else (), regions)
    rows: list[dict[str, Any]] = []
    for code, key in first.items():
        made = {name: pictures[name][key] for name in shown if key in pictures[name]}
        rows.append(
            {
                "region": code,
                "prompts": [
                    (name, made[name]["prompt"], made[name]["language"], words.direction(made[name]["prompt"]))
                    for name in ("noun_en", "noun", "cultural")
                    if name in made
                ],
                "cells": [_cell(name, made[name], pixels) if name in made else None for name in shown],
            }
        )
    return rows


def one_prompt(rows: Iterable[Row], regions: Sequence[str], pixels: int) -> dict[str, Any] | None:
    """One English prompt with each region's neurons on: `{prompt, lang, dir, cells}`; None without pictures.

    The row whose region is "" is the prompt without any edit.
    """
    by_region = {row["region"]: row for row in rows}
    shown = [code for code in ("", *regions) if code in by_region]
    if not shown:
        return None
    first = by_region[shown[0]]
    return {
        "prompt": first["prompt"],
        "language": first["language"],
        "direction": words.direction(first["prompt"]),
        "cells": [
            {
                "region": code,
                "uri": data_uri(by_region[code]["image"], pixels),
                "alt": f"{first['prompt']}, {words.region(code) + ' neurons on' if code else 'no edit'}",
            }
            for code in shown
        ],
    }


def _cell(name: str, row: Row, pixels: int) -> dict[str, str]:
    alt = f"{words.region(row['region'])}, {words.inline(name)}: {row['prompt']}"
    return {"condition": name, "uri": data_uri(row["image"], pixels), "alt": alt}
