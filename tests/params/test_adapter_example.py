"""The published settings of K-StyleLoRA stand in an example that can be put into params.yaml as it is."""

from __future__ import annotations

from typing import Any

import yaml

from culturebench.interventions.adapters.overlap import refuse_overlap
from culturebench.params import load_section
from culturebench.params.adapters import Adapters
from culturebench.params.measure import Measure
from culturebench.params.train_adapter import TrainAdapter
from import_graph import ROOT


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_the_published_settings_are_valid_and_css_measures_by_other_concepts() -> None:
    example, measures = read("examples/adapters/k_style.yaml"), read("examples/measures/published.yaml")
    numbers, css = load_section(TrainAdapter, example), load_section(Measure, measures).cultural_similarity
    assert numbers.steps * numbers.batch_size == 128 * 10
    assert (numbers.rank, numbers.csl.weight, numbers.gate.pool, numbers.learning_rate) == (4, 0.1, 0.7, 1e-4)
    kinds = {one.kind for one in load_section(Adapters, example).root.values()}
    assert kinds == {"standard", "csl", "gating", "k_style"}
    assert numbers.space in measures["pins"] and css
    refuse_overlap(numbers.concepts, css.concepts)
