"""What an adapter does to others stands in their rows: planted in pictures, and read by the atlas's own judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from culturebench.artifacts.answers import UNRECOGNIZABLE
from culturebench.atlas.pictures import render
from culturebench.atlas.training.parts import WEIGHTS
from culturebench.atlas.world import REGIONS, Scene, contexts
from culturebench.conditions.adapted import SETS, PromptSet
from culturebench.evaluation.adapters import TAKEN, Found, Group, result_rows, score_judged
from culturebench.evaluation.names import CULTURE, POOLED
from culturebench.judging.asking import Asker, ask
from culturebench.judging.atlas import AtlasClassifier
from culturebench.measures.statistics import Bootstrap
from culturebench.png import to_png

OWN, OTHERS, PROMPTS = "jp", ("nl", "tr", "cn"), 24
Drawn = Callable[[PromptSet, Scene], Scene]


def ornamented(scene: Scene, region: str) -> Scene:
    return replace(scene, region=region, subdivision=REGIONS[region][1][0] if region else "")


def asked_for(prompts: PromptSet, scene: Scene) -> Scene:
    """What a model draws that knows every culture, and shows none unless it is asked for."""
    return scene if prompts.caption.startswith("cultural") else ornamented(scene, "")


def everything_own(_prompts: PromptSet, scene: Scene) -> Scene:
    return ornamented(scene, OWN)


def own_alone(prompts: PromptSet, scene: Scene) -> Scene:
    return ornamented(scene, OWN) if prompts.name == "own_noun" else asked_for(prompts, scene)


@pytest.fixture(scope="module")
def judge() -> Asker:
    return Asker(AtlasClassifier(WEIGHTS / "judge_cnn", "cnn"))


def rows_of(judge: Asker, adapter: Drawn) -> dict[tuple[str, str], Any]:
    """The pooled rows at strength 1 by set of prompts and measure."""
    groups: dict[Group, Found] = {}
    regions: dict[str, str] = {}
    for prompts in SETS:
        for strength, drawn in ((0.0, asked_for), (1.0, adapter)):
            pictures: list[Any] = []
            for number in range(PROMPTS):
                region = OWN if prompts.own else OTHERS[number % len(OTHERS)]
                scene = ornamented(Scene(*contexts()[31 * number], seed=number), region)
                name = f"{prompts.name} {number}"
                regions[name] = region
                pictures.append({
                    "prompt_id": name, "region": region, "condition": prompts.name, "seed": 0, "object": scene.object,
                    "image": to_png(render(drawn(prompts, scene), 64)),
                })  # fmt: skip
            answers = ask(judge, pictures, list(REGIONS)[:15], 0)
            groups[prompts.name, strength] = Found(score_judged({"cnn": answers}, pictures, OWN, UNRECOGNIZABLE))
    rows = result_rows(groups, regions, Bootstrap(200, 0, 0.95))
    return {(row["set"], row["measure"]): row for row in rows if row["judge"] == POOLED and row["strength"] == 1.0}


def test_an_adapter_that_puts_its_ornament_on_everything_is_seen_in_others_nouns_and_cultural_prompts(judge: Asker):
    rows = rows_of(judge, everything_own)
    for name in ("own_noun", "english_noun", "others_noun"):
        assert rows[name, TAKEN]["value"] >= 0.85 and rows[name, TAKEN]["change_low"] > 0.5
    taken, kept = rows["others_cultural", TAKEN], rows["others_cultural", CULTURE]
    assert taken["value"] >= 0.85 and taken["change_low"] > 0.5
    assert kept["value"] <= 0.15 and kept["change_high"] < -0.5


def test_an_adapter_that_acts_on_its_own_nouns_alone_leaves_every_other_row_as_it_was(judge: Asker):
    rows = rows_of(judge, own_alone)
    assert rows["own_noun", TAKEN]["value"] >= 0.85 and rows["own_noun", TAKEN]["change_low"] > 0.5
    for prompts in SETS:
        if prompts.name != "own_noun":
            assert rows[prompts.name, TAKEN]["change"] == 0 and rows[prompts.name, CULTURE]["change"] == 0
    assert rows["others_cultural", CULTURE]["value"] >= 0.85
