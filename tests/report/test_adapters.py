"""The chapter on adapters shows what they do to others, and the published values where they belong alone."""

from __future__ import annotations

from typing import Any

import pytest

from culturebench.report import adapters, published

HISTORY: Any = {
    "made_on": "a loom", "kind": "standard", "region": "jp", "caption": "noun_en", "pairs": 100, "kept": 0,
    "parameters": 10, "concepts": [], "bound": None, "distilled": None, "entries": [],
}  # fmt: skip


def row(chosen: str, strength: float, measure: str, value: float, change: float | None = None) -> dict[str, Any]:
    return {
        "set": chosen, "strength": strength, "judge": "pooled", "measure": measure, "value": value, "low": None,
        "high": None, "change": change, "change_low": None, "change_high": None, "n_prompts": 30, "n_images": 30,
        "reason": "",
    }  # fmt: skip


def adapter_that(takes: float) -> Any:
    """One that brings the region back in its own nouns, and takes so much of others' cultural prompts."""
    rows = [
        row("own_noun", 0.0, "adapter_region", 0.1), row("own_noun", 1.0, "adapter_region", 0.9, 0.8),
        row("others_cultural", 0.0, "culture_vqa", 0.9),
        row("others_cultural", 1.0, "culture_vqa", 0.9 - takes, -takes),
        row("others_cultural", 1.0, "adapter_region", takes, takes),
    ]  # fmt: skip
    results: Any = {
        "kind": "standard", "region": "jp", "caption": "noun_en", "concepts": "region", "projection": "learned",
        "preserve": 0.0, "sizes": [{"strength": 1.0, "size": 0.25}], "rows": rows, "by_category": [], "shown": [],
    }  # fmt: skip
    return adapters.Adapter(results, HISTORY)


@pytest.mark.parametrize("takes", [0.5, 0.0], ids=["every prompt gets the ornament", "one language alone does"])
def test_planted_interference_stands_in_its_rows(takes: float) -> None:
    chapter = adapters.chapter({"mine": adapter_that(takes)}, "", 64)
    assert chapter is not None
    [without, with_it] = chapter["rows"]
    places = [(column["set"].name, column["measure"]) for column in chapter["columns"]]
    at = places.index(("others_cultural", "culture_vqa"))
    assert without["cells"][at]["row"]["value"] == 0.9
    assert with_it["cells"][at]["change"]["value"] == pytest.approx(-takes)
    assert f"change by {'−50.0' if takes else '+0.0'} points" in chapter["told"][0]
    assert chapter["curve"]["table"][-1]["size"] == 0.25


def test_the_published_values_stand_beside_sdxl_alone() -> None:
    assert published.of_adapter("StableDiffusion XL", "csl", "english_cultural", "cultural_similarity") == 0.302
    assert published.of_adapter("", "csl", "english_cultural", "cultural_similarity") is None
    assert published.of_adapter("FLUX.1-dev", "csl", "english_cultural", "cultural_similarity") is None


def test_without_adapters_there_is_no_chapter() -> None:
    assert adapters.chapter({}, "", 64) is None
