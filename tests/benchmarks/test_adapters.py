"""The grid of adapters: which are trained, and what its page says of them."""

from __future__ import annotations

from typing import Any

import yaml

from benchmarks.adapters import METHODS, evenly, grid, name_of, page
from culturebench.checks import section_models
from culturebench.params import load_section
from culturebench.params.adapters import Adapters
from culturebench.params.generate_adapted import GenerateAdapted
from culturebench.params.train_adapter import TrainAdapter
from import_graph import ROOT

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def test_the_grid_has_every_kind_with_its_controls_of_each_region_and_nothing_else_is_changed() -> None:
    wide = grid(PARAMS, METHODS, ["jp", "nl"], 7)
    models = {model.section: model for model in section_models()}
    for section in models.keys() & wide.keys():
        load_section(models[section], wide)
    adapters = load_section(Adapters, wide).root
    assert len(adapters) == 2 * len(METHODS) and {one.region for one in adapters.values()} == {"jp", "nl"}
    assert {one.kind for one in adapters.values()} == {"standard", "csl", "gating", "k_style"}
    assert {one.concepts for one in adapters.values()} == {"region", "other_region", "random"}
    assert {one.projection for one in adapters.values()} == {"learned", "distilled", "decoded"}
    assert adapters[name_of("preserved", "jp")].preserve == 1.0
    assert load_section(TrainAdapter, wide).seed == 7
    assert "others_cultural" in load_section(GenerateAdapted, wide).swept
    assert {name for name in PARAMS if PARAMS[name] != wide[name]} == {"adapters", "train_adapter", "generate_adapted"}


def test_regions_are_spread_over_the_projects_own() -> None:
    assert evenly(list("abcdefghi"), 3) == ["a", "d", "g"]
    assert evenly(["a", "b"], 3) == ["a", "b"]


def test_a_cell_of_the_page_is_the_mean_over_regions_and_seeds_with_the_lowest_and_highest() -> None:
    def results(own: float) -> Any:
        def row(name: str, strength: float, measure: str, value: float | None) -> dict[str, Any]:
            return {"set": name, "strength": strength, "judge": "pooled", "measure": measure, "value": value}

        rows = [
            row("own_noun", 0.0, "adapter_region", 0.0), row("own_noun", 1.0, "adapter_region", own),
            row("own_noun", 1.0, "culture_vqa", 0.111), row("others_cultural", 1.0, "culture_vqa", 0.25),
            {**row("own_noun", 1.0, "adapter_region", 0.222), "judge": "cnn"},
        ]  # fmt: skip
        return {"sizes": [{"strength": 1.0, "size": 0.25}], "rows": rows}

    found = {("standard", region, seed): results(own) for region, seed, own in (
        ("jp", 0, 0.5), ("jp", 1, 0.6), ("nl", 0, 0.7), ("nl", 1, 1.0))}  # fmt: skip
    text = page(found)
    assert "jp, nl, training seeds 0, 1" in text and "4 trainings" in text.replace("\n", " ")
    assert "| without | 0 [0–0] | – |" in text
    assert "| standard | 70 [50–100] | – | – | – | – | – | 25 [25–25] |" in text
    assert "| standard | 1 | 0.250 [0.250–0.250] | 70 [50–100] | 25 [25–25] |" in text
