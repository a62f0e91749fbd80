"""The three generating stages, on tiny random weights of the real classes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from culturebench.artifacts import pictures, strength
from culturebench.errors import CultureBenchError
from culturebench.store import Store
from culturebench.text_to_image import sampling
from stages import generate, generate_edited, generate_enhanced, load_prompts, train_enhancer
from tiny_project import write_prompts, write_strength

PINNED = ("noun", "noun_en", "cultural")


def made(project: Path, condition: str) -> list[dict[str, Any]]:
    return pictures.TABLE.load(project / pictures.TEST_PATH.format(model="atlas", condition=condition))


def images(rows: list[dict[str, Any]]) -> list[bytes]:
    return [row["image"] for row in rows]


@pytest.fixture
def generated(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The sizes of the batches that were computed rather than found in the store."""
    sizes: list[int] = []
    conditioning = sampling.Painter._conditionings

    def counted(painter: sampling.Painter, shots: Any) -> Any:
        sizes.append(len(shots))
        return conditioning(painter, shots)

    monkeypatch.setattr(sampling.Painter, "_conditionings", counted)
    return sizes


def test_every_condition_has_the_same_prompts_and_seeds(project: Path) -> None:
    for condition in PINNED:
        generate.STAGE.execute(model="atlas", condition=condition)
    generate_edited.STAGE.execute(model="atlas", condition="masked")
    keys = {c: [(row["prompt_id"], row["seed"]) for row in made(project, c)] for c in (*PINNED, "masked")}
    assert len(keys["noun"]) == 2 * 2 * 2
    assert len({tuple(key) for key in keys.values()}) == 1


def test_prompts_are_the_caption_of_the_condition(project: Path) -> None:
    for condition in PINNED:
        generate.STAGE.execute(model="atlas", condition=condition)
    first = {condition: made(project, condition)[0] for condition in PINNED}
    assert {name: row["prompt"] for name, row in first.items()} == {
        "noun": "bowl_ja", "noun_en": "bowl_en", "cultural": "culture_ja bowl_ja",
    }  # fmt: skip
    assert {name: row["language"] for name, row in first.items()} == {"noun": "ja", "noun_en": "en", "cultural": "ja"}


def test_strength_0_gives_the_unedited_pictures_bit_for_bit(project: Path) -> None:
    write_strength(project / strength.PATH.format(model="atlas"), amplify=0.0, activate=0.0)
    for condition in ("noun", "noun_en"):
        generate.STAGE.execute(model="atlas", condition=condition)
    for condition in ("amplified", "random_amplified", "activated"):
        generate_edited.STAGE.execute(model="atlas", condition=condition)
    assert images(made(project, "amplified")) == images(made(project, "noun"))
    assert images(made(project, "random_amplified")) == images(made(project, "noun"))
    assert images(made(project, "activated")) == images(made(project, "noun_en"))


def test_each_edit_changes_the_pictures_of_its_own_prompt(project: Path) -> None:
    for condition in PINNED:
        generate.STAGE.execute(model="atlas", condition=condition)
    for kind, start in (("amplified", "noun"), ("activated", "noun_en"), ("masked", "cultural")):
        for condition in (kind, f"random_{kind}"):
            generate_edited.STAGE.execute(model="atlas", condition=condition)
            rows = made(project, condition)
            assert [row["prompt"] for row in rows] == [row["prompt"] for row in made(project, start)]
            assert images(rows) != images(made(project, start))
        assert images(made(project, kind)) != images(made(project, f"random_{kind}"))


def test_a_picture_takes_the_draw_of_its_seeds_index_and_the_tuned_strength(project: Path) -> None:
    generate_edited.STAGE.execute(model="atlas", condition="random_amplified")
    generate_edited.STAGE.execute(model="atlas", condition="random_masked")
    assert {(row["seed"], row["draw"], row["strength"]) for row in made(project, "random_amplified")} == {
        (0, 0, 3.0),
        (1, 1, 3.0),
    }
    assert {row["strength"] for row in made(project, "random_masked")} == {0.0}


def test_a_repeated_run_computes_nothing_and_gives_the_same_bytes(project: Path, generated: list[int]) -> None:
    out = project / pictures.TEST_PATH.format(model="atlas", condition="noun")
    generate.STAGE.execute(model="atlas", condition="noun")
    first, computed = out.read_bytes(), len(generated)
    out.unlink()
    generate.STAGE.execute(model="atlas", condition="noun")
    assert (out.read_bytes(), computed, len(generated)) == (first, 4, 4)


def test_a_run_that_was_killed_computes_only_what_is_missing_and_gives_the_same_bytes(
    project: Path, generated: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out = project / pictures.TEST_PATH.format(model="atlas", condition="amplified")
    generate_edited.STAGE.execute(model="atlas", condition="amplified")
    undisturbed = out.read_bytes()
    out.unlink()
    shutil.rmtree(tmp_path / "store")
    generated.clear()
    put, kept = Store.put, list[str]()

    def killed_at_the_second(store: Store, key: str, content: bytes) -> None:
        if kept:
            raise KeyboardInterrupt
        put(store, key, content)
        kept.append(key)

    monkeypatch.setattr(Store, "put", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        generate_edited.STAGE.execute(model="atlas", condition="amplified")
    assert not out.exists()
    monkeypatch.setattr(Store, "put", put)
    generated.clear()
    generate_edited.STAGE.execute(model="atlas", condition="amplified")
    assert (out.read_bytes(), len(kept), len(generated)) == (undisturbed, 1, 3)


def test_a_damaged_kept_batch_is_computed_again(project: Path, generated: list[int], tmp_path: Path) -> None:
    out = project / pictures.TEST_PATH.format(model="atlas", condition="noun")
    generate.STAGE.execute(model="atlas", condition="noun")
    first = out.read_bytes()
    entry = next(path for path in (tmp_path / "store").rglob("*") if path.is_file())
    entry.write_bytes(entry.read_bytes()[:-5])
    generate.STAGE.execute(model="atlas", condition="noun")
    assert (out.read_bytes(), len(generated)) == (first, 5)


def test_more_prompts_leave_the_pictures_of_the_others_in_the_store(project: Path, generated: list[int]) -> None:
    generate.STAGE.execute(model="atlas", condition="noun")
    write_prompts(project, 3)
    generate.STAGE.execute(model="atlas", condition="noun")
    assert len(generated) == 4 + 2


def test_an_enhancer_changes_pictures_at_its_own_layer(project: Path) -> None:
    generate.STAGE.execute(model="atlas", condition="noun")
    for site, condition in (
        ("culture", "enhanced"),
        ("shuffled", "shuffled_enhanced"),
        ("other_layer", "other_layer_enhanced"),
    ):
        train_enhancer.STAGE.execute(model="atlas", site=site)
        generate_enhanced.STAGE.execute(model="atlas", condition=condition)
        assert images(made(project, condition)) != images(made(project, "noun"))
    assert images(made(project, "enhanced")) != images(made(project, "other_layer_enhanced"))


@pytest.mark.parametrize("stage", [generate, generate_edited, generate_enhanced])
def test_an_unknown_condition_is_refused_with_the_known_ones(project: Path, stage: Any) -> None:
    with pytest.raises(CultureBenchError, match=r"'amplifed'; correct `conditions` in params.yaml: .*makes: \w+"):
        stage.STAGE.execute(model="atlas", condition="amplifed")


def test_an_unknown_model_is_refused_with_the_known_ones(project: Path) -> None:
    with pytest.raises(SystemExit, match=r"generate: .*models.sdxl; models has: atlas"):
        generate.STAGE.main(["--model", "sdxl", "--condition", "noun"])


def test_changed_weights_are_refused(project: Path, tmp_path: Path) -> None:
    params = yaml.safe_load((project / "params.yaml").read_text())
    copy = tmp_path / "backbone"
    shutil.copytree(params["pins"]["backbone"]["folder"], copy)
    pin = project / "models/systems/atlas/backbone.json"
    pin.write_text(pin.read_text().replace(params["pins"]["backbone"]["folder"], str(copy)))
    (copy / "unet/config.json").write_text("{}")
    with pytest.raises(CultureBenchError, match=r"unet/config.json changed: .* holds sha256 [0-9a-f]{64}.*pin_model@"):
        generate.STAGE.execute(model="atlas", condition="noun")


def test_a_region_without_captions_is_named(project: Path) -> None:
    from culturebench.artifacts import splits

    splits.TABLE.save(project / splits.TEST / "nl.parquet", [])
    with pytest.raises(CultureBenchError, match="region nl has no row"):
        load_prompts.STAGE.execute(prompts="test")


def test_the_test_prompts_are_the_first_of_each_region(project: Path) -> None:
    path = project / "data/prompts/test.parquet"
    drawn = path.read_bytes()
    path.unlink()
    load_prompts.STAGE.execute(prompts="test")
    assert path.read_bytes() == drawn


def test_the_prompted_noun_has_its_regions_modifier_on_the_side_where_its_language_puts_it(project: Path) -> None:
    load_prompts.STAGE.execute(prompts="test")
    for condition in ("prompted", "prompted_en"):
        generate.STAGE.execute(model="atlas", condition=condition)
    found = {(row["region"], row["prompt"]) for row in made(project, "prompted") if row["object"] == "bowl"}
    assert found == {("jp", "culture_jabowl_ja"), ("nl", "bowl_nl culture_nl")}
    assert {row["prompt"] for row in made(project, "prompted_en") if row["object"] == "bowl"} == {"culture_en bowl_en"}
