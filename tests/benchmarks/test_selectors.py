"""The grid of selectors: what it widens, and what its page says. That it goes on is in tests/pipeline."""

from __future__ import annotations

from typing import Any

import yaml

from benchmarks.selectors import KS, grid, page
from culturebench.checks import section_models
from culturebench.params import load_section
from culturebench.params.compare_selectors import CompareSelectors
from culturebench.params.tune_strength import TuneStrength
from import_graph import ROOT

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def test_the_grid_has_every_k_all_regions_five_autoencoders_and_every_strength_of_every_control() -> None:
    assert (None, *range(2, 17)) == KS
    wide = grid(PARAMS, 5)
    models = {model.section: model for model in section_models()}
    for section in models.keys() & wide.keys():
        load_section(models[section], wide)
    compared, tuned = load_section(CompareSelectors, wide), load_section(TuneStrength, wide)
    regions = list(wide["regions"])
    assert compared.k == (5,) and {len(targets) for targets in compared.targets(regions).values()} == {2}
    whole = load_section(CompareSelectors, grid(PARAMS, None)).targets(regions)
    assert whole.keys() == set(regions) and all(set(targets) == set(regions) for targets in whole.values())
    assert list(compared.seeds) == list(tuned.seeds) == wide["train_sae"]["seeds"] == [0, 1, 2, 3, 4]
    for edit in ("amplify", "activate", "steer", "steer_en"):
        assert tuned.dose.of(tuned.grid(edit)) == list(tuned.grid(edit)[1:])
    assert set(tuned.dose.controls) == {"random", "matched", "same_norm", "other_region", "language"}
    changed = {name for name in PARAMS if PARAMS[name] != wide[name]}
    assert changed == {"train_sae", "compare_selectors", "tune_strength"}


def effect(value: float, p_value: float | None) -> dict[str, Any]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "p_value": p_value}


def test_the_page_has_a_row_for_each_k_and_selector_and_is_bold_where_the_test_finds_a_drop() -> None:
    def table(k: str) -> Any:
        rows = {
            name: {"neurons": 8.0, "own": effect(own, p), "cross": effect(-0.02, 1.0), "selective": effect(own, p),
                   "beyond_random": None if name == "random" else effect(own, p)}
            for name, own, p in (("random", 0.0, 1.0), ("wfs", 0.5, 0.01))
        }  # fmt: skip
        cells = [
            {"k": k, "selector": name, "source": one, "target": other, "drop": 0.5 if one == other else -0.25}
            for name in rows for one in ("jp", "nl") for other in ("jp", "nl")
        ]  # fmt: skip
        return {"judge": "cnn", "regions": ["jp", "nl"], "prompts": 4, "seeds": [0, 1], "unmasked": effect(0.9, None),
                "selectors": {k: rows}, "matrix": cells}  # fmt: skip

    point = {"strength": 2.0, "size": 0.3, "accuracy": 0.4, "low": 0.3, "high": None}
    edits = ("amplify", "activate", "steer", "steer_en")
    tuned = {
        **{edit: {"curve": [point]} for edit in edits},
        "dose": {edit: [{**point, "condition": "random_amplified", "size": None}] for edit in edits},
    }
    text = page({"elbow": table("elbow"), "2": table("2")}, tuned)
    bold = "**+50.0** [40.0, 60.0]"
    assert f"| 2 | wfs | 8.0 | {bold} | −2.0 [−12.0, 8.0] | {bold} | {bold} |" in text
    assert "| elbow | random | 8.0 | +0.0 [−10.0, 10.0] | −2.0 [−12.0, 8.0] | +0.0 [−10.0, 10.0] | – |" in text
    assert "Whose neurons take whose culture: wfs" in text and "| jp | 50 | −25 |" in text
    assert "| steer | random_amplified | 2 | – | 40.0% |" in text and "in 90.0% of the unmasked" in text
