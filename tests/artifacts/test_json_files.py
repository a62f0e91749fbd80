"""A JSON artifact that is missing, cut off or of another shape is one error with the stage to run again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from culturebench.artifacts import circular, comparison, labels, layer_check, reliability, strength, study, towers
from culturebench.artifacts._table import ArtifactError

POINT = dict.fromkeys(strength.POINT, 0.5)
WHOLE: dict[Any, Any] = {
    circular: {"atlas": {"clip_score": "Its own encoder measures it."}},
    comparison: {
        "selectors": {"8": {"wfs": dict.fromkeys(comparison.EFFECTS)}},
        "matrix": [dict.fromkeys(comparison.CELL)],
    },
    labels: {"jp": "Japan"},
    layer_check: {**dict.fromkeys(layer_check.KEYS), "points": [dict.fromkeys(layer_check.POINT)]},
    reliability: {"pictures": dict.fromkeys(reliability.KEYS)},
    strength: {edit: {"strength": 2.0, "curve": [POINT]} for edit in ("amplify", "activate")},
    study: dict.fromkeys(study.KEYS),
    towers: {"atlas": {"adapter": "atlas", "pin": "atlas_encoder"}},
}
#: Parts that are missing, or of another kind.
DAMAGED: dict[Any, list[Any]] = {
    circular: [{"atlas": "a sentence"}],
    comparison: [{"selectors": {}}, {"selectors": {"8": {"wfs": {"own": 1}}}, "matrix": []}],
    labels: [{"jp": 1}],
    layer_check: [dict.fromkeys(layer_check.KEYS - {"share"}), {**dict.fromkeys(layer_check.KEYS), "points": [{}]}],
    reliability: [{}, {"pictures": {"choices": 4}}, {"four": dict.fromkeys(reliability.KEYS)}],
    strength: [
        {"amplify": {"curve": [POINT]}},
        {"amplify": {"strength": 2.0, "curve": [{}]}},
        {edit: {"strength": "2", "curve": []} for edit in ("amplify", "activate")},
    ],
    study: [{"model": "atlas"}],
    towers: [{"atlas": "atlas_encoder"}],
}


def name(module: Any) -> str:
    return module.__name__.rpartition(".")[2]


@pytest.mark.parametrize("module", WHOLE, ids=name)
def test_what_was_saved_is_loaded_again(module: Any, tmp_path: Path) -> None:
    module.save(tmp_path / "file.json", WHOLE[module])
    assert module.load(tmp_path / "file.json") == WHOLE[module]


@pytest.mark.parametrize("module", WHOLE, ids=name)
def test_a_missing_or_damaged_file_names_its_stage(module: Any, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    with pytest.raises(ArtifactError, match=f"is missing; run `dvc repro {module.STAGE}`"):
        module.load(path)
    for content in ("", '{"a": ', "[1]", "1", "null", "{}" if module in (comparison, layer_check, strength) else "[]"):
        path.write_text(content)
        with pytest.raises(ArtifactError, match=f"run `dvc repro -f {module.STAGE}`"):
            module.load(path)


@pytest.mark.parametrize("module", DAMAGED, ids=name)
def test_content_of_another_shape_is_neither_saved_nor_loaded(module: Any, tmp_path: Path) -> None:
    for content in DAMAGED[module]:
        with pytest.raises(ArtifactError, match=f"does not hold .*; run `dvc repro -f {module.STAGE}`"):
            module.save(tmp_path / "file.json", content)
    assert not (tmp_path / "file.json").exists()
