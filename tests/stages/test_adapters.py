"""The three stages of adapters on a tiny project: trained, generated with, judged and measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from culturebench.artifacts import adapted, adapter, adapter_results, labels, splits
from culturebench.conditions.adapted import BOTH
from culturebench.evaluation.adapters import TAKEN, Found, result_rows
from culturebench.evaluation.names import CULTURE, POOLED
from culturebench.interventions.adapters.overlap import ConceptError
from culturebench.measures.statistics import Bootstrap
from culturebench.params import ParamsError
from stages import compare_adapters, generate_adapted, train_adapter
from tiny_project import ADAPTER_SECTIONS as SECTIONS

ADAPTERS = SECTIONS["adapters"]


@pytest.fixture
def ready(project: Path) -> Path:
    """With the sections of adapters, and what gathering gives their stages."""
    params = yaml.safe_load((project / "params.yaml").read_text()) | SECTIONS
    (project / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    for region in params["regions"]:
        labels.save(project / labels.REGION_PATH.format(region=region), {region: f"Label of {region}"})
    return project


def made(project: Path, name: str) -> tuple[adapter.History, adapter_results.AdapterResults]:
    for stage in (train_adapter, generate_adapted, compare_adapters):
        stage.STAGE.execute(model="atlas", adapter=name)
    values = {"model": "atlas", "adapter": name}
    return (
        adapter.load_history(project / adapter.PATH.format(**values)),
        adapter_results.load(project / adapter_results.PATH.format(**values)),
    )


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_kind_of_adapter_is_trained_and_stands_beside_the_pictures_without_it(ready: Path, name: str) -> None:
    history, found = made(ready, name)
    sets = {row["set"] for row in found["rows"]}
    own = {"own_noun", "joint", "own_cultural", "english_noun"}
    assert sets == (own if name == "distilled" else {*own, "others_noun", "others_cultural"})
    of = {(row["set"], row["strength"], row["judge"], row["measure"]): row for row in found["rows"]}
    assert {strength for set_, strength, _, _ in of if set_ == "own_noun"} == {0.0, 0.5, 1.0}
    assert {strength for set_, strength, _, _ in of if set_ != "own_noun"} == {0.0, 1.0}
    assert of["own_noun", 1.0, POOLED, TAKEN]["value"] == of["own_noun", 1.0, POOLED, CULTURE]["value"]
    assert of["own_noun", 0.0, POOLED, TAKEN]["change"] is None
    assert (history["bound"] is None) == (name == "standard")
    assert (history["distilled"] is None) == (name != "distilled")
    assert (history["entries"][-1]["kept"] is None) == (name != "k_style")
    sizes = [one["size"] for one in found["sizes"]]
    assert 0 < sizes[0] < sizes[1], "half the strength is a smaller change"


def test_an_adapter_changes_pictures_and_its_strength_0_is_the_system_itself(ready: Path) -> None:
    made(ready, "standard")
    rows = adapted.TABLE.load(ready / adapted.PATH.format(model="atlas", adapter="standard"))
    images = {(row["condition"], row["strength"], row["prompt_id"], row["seed"]): row["image"] for row in rows}
    assert any(images[key] != images[key[0], 0.0, *key[2:]] for key in images if key[1])
    assert {row["region"] for row in rows if row["condition"].startswith("own")} == {"jp"}
    assert {row["region"] for row in rows if row["condition"].startswith("others")} == {"nl"}


def test_a_trained_adapter_has_the_same_bytes_again(
    ready: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = ready / adapter.PATH.format(model="atlas", adapter="k_style")
    train_adapter.STAGE.execute(model="atlas", adapter="k_style")
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setenv("CULTUREBENCH_STORE", str(tmp_path / "another"))
    train_adapter.STAGE.execute(model="atlas", adapter="k_style")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


def test_explicit_and_generic_prompts_stand_by_the_papers_category_and_others_keep_their_own_name(ready: Path) -> None:
    rows: list[Any] = splits.TABLE.load(ready / splits.TEST / "jp.parquet")
    told = [{**row, "cultural_en": {**row["noun_en"], "text": f"culture_en {row['noun_en']['text']}"}} for row in rows]
    splits.TABLE.save(ready / splits.TEST / "jp.parquet", told)
    _, found = made(ready, "standard")
    of = {
        (row["set"], row["strength"], row["judge"], row["measure"], row["category"]): row
        for row in found["by_category"]
    }
    assert {key[4] for key in of} == {"art", "portrait", "food"}, "crafts are the paper's art, and food is none of it"
    assert {key[:2] for key in of} == {(one, s) for one in ("english_cultural", "english_noun") for s in (0.0, 1.0)}
    whole = {
        (row["set"], row["measure"]): row for row in found["rows"] if (row["strength"], row["judge"]) == (1.0, POOLED)
    }
    parts = [of["english_noun", 1.0, POOLED, TAKEN, name]["value"] or 0.0 for name in ("art", "portrait", "food")]
    assert sum(parts) / 3 == pytest.approx(whole["english_noun", TAKEN]["value"])
    [reason] = {row["reason"] for key, row in of.items() if key[3] == "cultural_similarity"}
    assert "needs the weights of a CLIP" in reason
    pictures = adapted.TABLE.load(ready / adapted.PATH.format(model="atlas", adapter="standard"))
    for one in found["shown"]:
        there = {
            (p["condition"], p["strength"])
            for p in pictures
            if (p["prompt_id"], p["seed"]) == (one["prompt_id"], one["seed"])
        }
        assert {("english_cultural", 1.0), ("english_noun", 1.0), ("english_noun", 0.0)} <= there
    assert [one["category"] for one in found["shown"]] == ["art", "food", "portrait"]


def test_concepts_of_training_and_of_evaluation_that_overlap_are_refused(ready: Path) -> None:
    params = yaml.safe_load((ready / "params.yaml").read_text())
    concepts = [" Culture_en bowl_en"]
    params["measure"]["cultural_similarity"] = {"pin": "alignment", "concepts": concepts}
    (ready / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(ConceptError, match="measure what the loss was given"):
        compare_adapters.STAGE.execute(model="atlas", adapter="standard")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"concepts": "random"}, "a standard LoRA is given none"),
        ({"projection": "decoded"}, "has no cultural loss"),
        ({"region": "all", "preserve": 1.0}, "leaves none"),
    ],
)
def test_what_an_adapter_cannot_be_is_one_error(ready: Path, changed: dict[str, Any], told: str) -> None:
    params = yaml.safe_load((ready / "params.yaml").read_text())
    params["adapters"]["standard"] |= changed
    (ready / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(ParamsError, match=told):
        train_adapter.STAGE.execute(model="atlas", adapter="standard")


def test_both_english_sets_lie_between_the_two() -> None:
    key = ("", "clip_score")
    groups = {
        ("english_noun", 0.0): Found({key: {("a", 0): 0.2, ("b", 0): 0.3}}),
        ("english_cultural", 0.0): Found({key: {("a", 0): 0.6, ("b", 0): 0.7}}),
    }
    rows = result_rows(groups, {"a": "jp", "b": "jp"}, Bootstrap(200, 0, 0.95))
    found = {row["set"]: row["value"] for row in rows}
    assert found[BOTH] == pytest.approx(0.45) and (found["english_noun"] or 1) < 0.45 < (found["english_cultural"] or 0)
