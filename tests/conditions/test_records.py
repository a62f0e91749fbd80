"""A record that is not whole is refused where it is written, and everything else about a condition follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from culturebench.checks import problems
from culturebench.conditions import BY_NAME, CONDITIONS, EDITS, Condition, ConditionError, condition, in_order, made_by
from culturebench.conditions.catalogue import AMPLIFY, ENHANCE, OTHER_LAYER, RANDOM
from culturebench.conditions.record import check, with_controls
from culturebench.interventions.controls import DRAWS, OF_DIRECTIONS
from culturebench.interventions.culture_edits import MAKERS
from import_graph import ROOT

NEW = Condition(
    name="amplified_en",
    label="Amplified English",
    explained="the English noun, the region's culture neurons scaled up",
    caption="noun_en",
    reference="noun_en",
    edit=AMPLIFY,
    controls=(RANDOM,),
    subject="Amplifying the neurons, in English",
)


def test_a_new_record_brings_its_control_its_stage_its_heading_and_its_comparisons() -> None:
    found = with_controls([NEW])
    check([*CONDITIONS, *found], EDITS)
    own, control = found
    assert (own.stage, own.heading) == ("generate_edited", "Bringing it back, from English")
    assert own.control_names == (control.name,) == ("random_amplified_en",)
    assert (control.label, control.caption, control.reference) == ("Random amplified English", "noun_en", "noun_en")
    assert (control.edit, control.control) == (AMPLIFY, RANDOM)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"label": ""}, "condition 'amplified_en': `label` is empty"),
        ({"explained": " "}, "`explained` is empty"),
        ({"name": ""}, "`name` is empty"),
        ({"name": "amplified"}, "two records are called 'amplified'"),
        ({"caption": "nuon"}, "its caption is 'nuon'; there are: noun, noun_en, cultural, prompted"),
        ({"reference": "nuon"}, "it is compared with 'nuon', which is no condition"),
        ({"reference": ""}, "needs a `reference`"),
        ({"subject": ""}, "`subject` is missing"),
        ({"controls": ()}, "`controls` is empty"),
        ({"baselines": ("stered",)}, "its baseline 'stered' is no condition"),
        ({"few_layers": True}, "a mean difference alone is measured at a few layers"),
        ({"edit": replace(AMPLIFY, name="dampen")}, "its edit 'dampen' is not among EDITS"),
    ],
)
def test_a_half_filled_record_is_refused(changes: Mapping[str, Any], said: str) -> None:
    with pytest.raises(ConditionError, match=said):
        check([*CONDITIONS, replace(NEW, **changes)], EDITS)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"label": ""}, "edit 'amplify': `label` is empty"),
        ({"home": "louder"}, "its home 'louder' is no condition"),
        ({"site": "culture"}, "an enhancer, and nothing else, is trained at a `site`"),
    ],
)
def test_a_half_filled_edit_is_refused(changes: Mapping[str, Any], said: str) -> None:
    with pytest.raises(ConditionError, match=said):
        check(CONDITIONS, [replace(AMPLIFY, **changes)])


def test_a_control_of_another_part_is_refused() -> None:
    with pytest.raises(ConditionError, match="'other_layer' controls what is done to enhancer"):
        with_controls([replace(NEW, controls=(OTHER_LAYER,))])
    assert with_controls([replace(NEW, edit=ENHANCE, controls=(OTHER_LAYER,))])[1].site == "other_layer"


def test_every_edit_and_every_control_of_neurons_has_its_function() -> None:
    assert set(MAKERS) == {edit.name for edit in EDITS if edit.part == "neurons"}
    for part, draws in (("neurons", DRAWS), ("direction", OF_DIRECTIONS)):
        edited = [one for one in CONDITIONS if one.edit and one.edit.part == part]
        assert set(draws) == {one.control.name for one in edited if one.control}


def test_whatever_brings_culture_back_stands_beside_a_baseline_or_is_one() -> None:
    raising = [one for one in CONDITIONS if one.edit and one.control is None and not one.lowers]
    baselines = {name for one in raising for name in one.baselines}
    assert {one.name for one in raising if not one.baselines} == {"steered", "steered_en"} <= baselines
    for one in raising:
        assert {condition(name).reference for name in one.baselines} <= {one.reference}


def test_an_unknown_condition_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConditionError, match="no condition is called 'dampened'; there are: noun_en, noun, "):
        condition("dampened")
    with pytest.raises(
        ConditionError, match=r"generate does not make 'amplified'.*generate makes: noun_en, noun, cult"
    ):
        made_by("generate", "amplified")
    assert in_order(["masked", "noun"]) == ["noun", "masked"]
    assert list(BY_NAME) == [one.name for one in CONDITIONS]


def changed(tmp_path: Path, **changes: Any) -> list[str]:
    """What `culturebench validate` says of the shipped params with other sections."""
    document = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")) | changes
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    (tmp_path / "annotations").symlink_to(ROOT / "annotations")
    return problems(tmp_path)


def conditions(**sets: list[str]) -> dict[str, Any]:
    named = {key: dict.fromkeys(sets.get(key, [])) for key in ("pinned", "edited", "enhanced")}
    return {**named, "all": {name: None for names in named.values() for name in names}}


def test_validate_names_a_condition_without_a_record_and_one_of_another_stage(tmp_path: Path) -> None:
    one, other = changed(tmp_path, conditions=conditions(pinned=["noun", "amplified"], edited=["dampened"]), study={})
    assert "conditions.pinned: generate does not make 'amplified'" in one
    assert "conditions.edited: generate_edited does not make 'dampened'" in other
    assert "random_amplified" in other


def test_validate_names_what_a_set_of_prompts_calls_a_condition_and_is_none(tmp_path: Path) -> None:
    sets = {"test": {"file": "data/test"}, "mine": {"file": "a.csv", "conditions": ["noun", "amplifed"]}}
    (found,) = changed(tmp_path, prompts=sets)
    assert "prompts.mine.conditions: no condition is called 'amplifed'; there are: " in found


def test_validate_misses_the_enhancer_of_a_condition(tmp_path: Path) -> None:
    (found,) = changed(
        tmp_path,
        conditions=conditions(pinned=["noun"], enhanced=["other_layer_enhanced"]),
        sites=["culture"],
        study={},
    )
    assert "other_layer_enhanced needs 'other_layer' in `sites`" in found


def test_the_old_name_of_a_section_is_refused_with_the_new_one(tmp_path: Path) -> None:
    assert changed(tmp_path, ood={}) == [
        "params.yaml: the section `ood` is called `prompts` now; its comment there says what it holds"
    ]
