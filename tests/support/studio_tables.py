"""A region's tables of small pictures, and a project around them, to send to a Label Studio."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from culturebench.artifacts import annotated, candidates, duplicates, grounded, relevance, screened, splits
from culturebench.png import to_png

ROOT = Path(__file__).resolve().parents[2]
SPANS = ("noun_start", "noun_end", "modifier_start", "modifier_end")


def write_project(root: Path, pictures: int, overlap: int = 2, gold: int = 0, batch_size: int = 100) -> list[str]:
    """Params, annotations and the tables of region jp with small pictures under `root`; returns their ids."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["labeling"] = {"overlap": overlap, "gold": gold, "batch_size": batch_size}
    root.mkdir(parents=True)
    (root / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    for folder in ("regions", "labeling"):
        shutil.copytree(ROOT / "annotations" / folder, root / "annotations" / folder)
    rows = [_candidate(number) for number in range(pictures)]
    candidates.TABLE.save(root / "data/candidates/jp.parquet", rows)
    names = sorted(row["picture_id"] for row in rows)
    write_screened(root, rows)
    duplicates.TABLE.save(root / "data/duplicates/jp.parquet", [_unique(name) for name in names])
    return names


def write_screened(
    root: Path, rows: list[dict[str, Any]], blurred: Sequence[str] = (), odd: Sequence[str] = ()
) -> None:
    """The tables of screening: all stay, `blurred` and `odd` pictures by a hair."""
    none = dict.fromkeys(screened.RULES)
    seen = [
        {
            **none, **{key: row[key] for key in ("picture_id", "region", "file_name")}, "status": "kept", "reason": "",
            "width": 64, "height": 64, "borderline": ["blur"] if row["picture_id"] in blurred else [], "detail": "",
        }
        for row in rows
    ]  # fmt: skip
    screened.TABLE.save(root / "data/screened/jp.parquet", seen)
    told = [
        {
            "picture_id": row["picture_id"], "region": "jp", "similarity": None, "status": "kept", "reason": "",
            "borderline": row["picture_id"] in odd,
        }
        for row in rows
    ]  # fmt: skip
    relevance.TABLE.save(root / "data/relevance/jp.parquet", told)


def write_gold(root: Path, names: list[str]) -> None:
    """These pictures get a known answer."""
    lines = [json.dumps({"picture_id": name, "verdict": "keep"}) for name in names]
    (root / "annotations/gold").mkdir()
    (root / "annotations/gold/jp.jsonl").write_text("\n".join(lines))


def write_test_split(root: Path, pictures: int, regions: Sequence[str]) -> dict[str, str]:
    """A test split of small pictures that are no drawings, and the params to ask about them; id -> region."""
    params = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8")) | {"regions": list(regions)}
    params["judge_reliability"] = {
        "form": "both",
        "pictures_per_region": pictures,
        "choices": 4,
        "seed": 0,
        "resamples": 200,
        "level": 0.95,
    }
    (root / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    found: dict[str, str] = {}
    for place, region in enumerate(regions):
        own = [_candidate(1000 * (place + 1) + number) for number in range(pictures + 1)]
        text = {"text": "a", "language": "en", **dict.fromkeys(SPANS, -1)}
        rows = [
            {
                **{key: row[key] for key in ("picture_id", "licence", "scene", "image")},
                "region": region, "language": "en", "subdivision": "", "group": row["picture_id"], "provisional": False,
                "cultural": text, "noun": text, "neutral": None, "cultural_en": None, "noun_en": None,
            }
            for row in own
        ]  # fmt: skip
        splits.TABLE.save(root / splits.TEST / f"{region}.parquet", rows)
        found |= dict.fromkeys(sorted(row["picture_id"] for row in own)[:pictures], region)
    return found


def _candidate(number: int) -> dict[str, Any]:
    pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    image = to_png(Image.fromarray(pixels).resize((64, 64), Image.Resampling.NEAREST))
    digest = hashlib.sha256(image).hexdigest()
    return {
        "picture_id": digest, "region": "jp", "source": "folder", "query": "", "page_url": f"https://x.example/{number}",
        "file_url": "", "file_name": f"{number}.png", "author": "A. <b>Painter</b>", "licence": "CC0-1.0",
        "licence_text": "", "sha256": digest, "size_bytes": len(image), "status": "ok", "error": "",
        "category": "", "subdivision": "", "query_language": "", "found_in": "", "captions": None, "scene": None,
        "planted": "", "released": None,
        "image": image,
    }  # fmt: skip


def _unique(name: str) -> dict[str, Any]:
    return {
        "picture_id": name, "region": "jp", "phash": "0" * 16, "group": name, "status": "kept", "reason": "",
        "keeper": name,
    }  # fmt: skip


def write_annotated(root: Path, tied: list[str], decided: list[str]) -> None:
    """The stage's table: two decisions on each picture."""
    rows = [
        {
            "picture_id": name, "region": "jp", "status": "dropped" if name in tied else "kept",
            "reason": "undecided" if name in tied else "", "subdivision": "", "category": "", "agreement": 0.5,
            "decisions": 2, "provisional": False,
        }
        for name in (*tied, *decided)
    ]  # fmt: skip
    annotated.TABLE.save(root / "data/annotated/jp.parquet", rows)


def write_captioned(root: Path, waiting: dict[str, str], kept: list[str]) -> None:
    """The table of the caption stages; `waiting` maps a picture to the cultural caption that waits for its audit."""
    none = {column.name: None for column in grounded.TABLE.schema}
    rows = [
        none
        | {
            "picture_id": name, "region": "jp", "language": "ja", "status": "waiting" if name in waiting else "kept",
            "reason": "low_support" if name in waiting else "", "detail": "", "provider": "openai", "audit": "",
            "audits": [],
            "subdivision": "", "cues": [], "cultural": _caption(waiting.get(name, "")), "served_model": "",
            "input_tokens": 0, "output_tokens": 0, "cost": 0.0, "whole_noun": False,
        }
        for name in (*waiting, *kept)
    ]  # fmt: skip
    grounded.TABLE.save(root / grounded.PATH.format(region="jp"), rows)


def _caption(text: str) -> dict[str, Any] | None:
    none = dict.fromkeys(("noun_start", "noun_end", "modifier_start", "modifier_end"), -1)
    return {"text": text, "language": "ja", **none} if text else None
