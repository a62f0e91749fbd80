"""Test prompts with modifiers that no split carries."""

from __future__ import annotations

import pytest

from culturebench.artifacts.prompts import PromptRow
from culturebench.atlas.captions import MODIFIERS, cultural_caption, noun_caption, unseen_caption
from culturebench.atlas.world import REGIONS, Scene
from culturebench.captions.spans import caption_row
from culturebench.captions.unseen import UnseenError, with_unseen_modifiers


def scene_of(region: str, number: int = 0) -> Scene:
    return Scene("vase", "snow", "night", "far", "bird", region, REGIONS[region][1][number], seed=3)


def row_of(scene: Scene, variant: int = 0) -> PromptRow:
    language = REGIONS[scene.region][0]
    cultural, noun = cultural_caption(scene, language, variant), noun_caption(scene, language)
    return {
        "prompt_id": scene.id(),
        "region": scene.region,
        "subdivision": scene.subdivision,
        "object": scene.object,
        "name": "",
        "domain": "",
        "noun": caption_row(noun.text, language, noun.noun_span),
        "noun_en": None,
        "cultural": caption_row(cultural.text, language, cultural.noun_span, cultural.modifier_span),
        "prompted": None,
        "prompted_en": None,
    }


@pytest.mark.parametrize("region", REGIONS)
def test_a_prompts_modifier_becomes_the_one_that_the_world_keeps_back(region: str):
    for number in (0, 1):
        scene = scene_of(region, number)
        expected = unseen_caption(scene, REGIONS[region][0])
        for variant in range(MODIFIERS):
            [found] = with_unseen_modifiers([row_of(scene, variant)])
            assert found["cultural"] == caption_row(
                expected.text, expected.language, expected.noun_span, expected.modifier_span
            )


def test_such_a_prompt_has_no_other_caption_so_that_no_other_condition_is_made():
    row = row_of(scene_of("jp"))
    [found] = with_unseen_modifiers([row])
    assert {name for name in found if found[name] != row[name]} == {"noun", "cultural"}
    assert found["noun"] is None and found["noun_en"] is None


def test_a_prompt_of_another_world_is_refused_with_what_to_do():
    row = {**row_of(scene_of("jp")), "subdivision": "bingata"}
    with pytest.raises(
        UnseenError, match=r"no subdivision 'bingata'; valid: seigaiha, asanoha; take them off `prompts`"
    ):
        with_unseen_modifiers([row])


def test_a_prompt_whose_modifier_nobody_marked_is_refused():
    row = row_of(scene_of("jp"))
    row["cultural"] = caption_row("青海波文様の花瓶", "ja")
    with pytest.raises(UnseenError, match="has no marked modifier"):
        with_unseen_modifiers([row])
