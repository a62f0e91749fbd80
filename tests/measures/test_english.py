"""A noun's pictures: the English ones with the same noise are told from others that show no culture either."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from culturebench.artifacts import english, pictures, pins
from culturebench.artifacts.english import English
from culturebench.atlas.pictures import render
from culturebench.atlas.world import OBJECTS, PLACES, REGIONS, Scene
from culturebench.measures.embedding import NONE
from culturebench.params import load_document, load_section
from culturebench.params.conditions import Conditions
from culturebench.params.evaluate import Evaluate
from culturebench.params.measure import Measure
from culturebench.pins import pin_folder, pin_path
from culturebench.png import to_png
from import_graph import ROOT
from stages.compare_english import NOT_DRAWN, STAGE, Params

CODES, PROMPTS, SEEDS = ("jp", "nl", "tr"), 4, (0, 1)
Drawn = Callable[[Scene], Scene]


def row(name: str, code: str, seed: int, scene: Scene) -> Any:
    given = {"prompt_id": name, "region": code, "seed": seed, "image": to_png(render(scene, 64))}
    kinds = {"draw": 0, "strength": 0.0}
    return {**dict.fromkeys(pictures.PictureRow.__annotations__, ""), **kinds, **given}


def drawn(folder: Path, condition: str, how: Drawn) -> None:
    """Pictures of each region's prompts; the noise decides about the place, as it does of a model's."""
    rows = [
        row(f"{code}{i}", code, seed, how(Scene(
            OBJECTS[i], PLACES[(i + 3 * seed) % len(PLACES)], "day", "close", "none", code, REGIONS[code][1][0]
        )))
        for code in CODES for i in range(PROMPTS) for seed in SEEDS
    ]  # fmt: skip
    path = folder / condition / "test.parquet"
    path.parent.mkdir(parents=True)
    pictures.TABLE.save(path, rows)


def plain(scene: Scene) -> Scene:
    return replace(scene, region="", subdivision="", seed=1)


def elsewhere(scene: Scene) -> Scene:
    """As plain, but of nothing that the English noun's picture shows."""
    return replace(scene, object=OBJECTS[-1], light="night", framing="far", region="", subdivision="")


def result(tmp_path: Path, noun: Drawn, **changed: Any) -> English:
    folder, bound = tmp_path / "pictures", tmp_path / "measures"
    for name, how in (("noun", noun), ("noun_en", lambda one: replace(plain(one), seed=2)), ("cultural", replace)):
        drawn(folder, name, how)
    pin = pin_folder("atlas_alignment", ROOT / "culturebench/atlas/weights/alignment")
    pins.save(pin_path(bound, "atlas_alignment"), pin)
    document: Any = load_document(ROOT / "params.yaml")
    document["evaluate"]["resamples"] = 200
    params = Params(
        load_section(Conditions, document), load_section(Evaluate, document), load_section(Measure, document)
    )
    STAGE.run(
        replace(params, **changed), {"pictures": folder, "measures": bound}, {"english": tmp_path / "english.json"},
        model="atlas",
    )  # fmt: skip
    return english.load(tmp_path / "english.json")


def cells(found: English) -> dict[tuple[str, str, str], Any]:
    return {(one["region"], one["distance"], one["against"]): one for one in found["rows"]}


def test_english_pictures_are_nearer_than_another_noise_and_the_cultural_ones_are_further_than_they(
    tmp_path: Path,
) -> None:
    found = cells(result(tmp_path, plain))
    assert found["all", "english", "seeds"]["high"] < 0
    assert found["all", "english", "cultural"]["high"] < 0
    assert found["all", "english", ""]["n_images"] == len(CODES) * PROMPTS * len(SEEDS)
    assert {region for region, *_ in found} == {"all", *CODES}


def test_pictures_that_show_no_culture_but_are_not_the_english_ones_are_told_apart(tmp_path: Path) -> None:
    found = cells(result(tmp_path, elsewhere))
    assert found["all", "english", "seeds"]["low"] > 0


@pytest.mark.parametrize("missing", ["noun", "noun_en"])
def test_without_both_nouns_there_is_a_reason(tmp_path: Path, missing: str) -> None:
    document: Any = load_document(ROOT / "params.yaml")["conditions"]
    for names in ("pinned", "all"):
        document[names] = {name: None for name in document[names] if name != missing}
    conditions = Conditions.model_validate(document)
    assert result(tmp_path, plain, conditions=conditions) == {"by": "", "reason": NOT_DRAWN, "rows": []}


def test_without_an_encoder_of_pictures_there_is_a_reason(tmp_path: Path) -> None:
    found = result(tmp_path, plain, measure=Measure(alignment=None, caption="noun"))
    assert (found["reason"], found["rows"]) == (NONE, [])
