import csv
import json
from typing import Any

import pytest
from statsmodels.stats.multitest import multipletests

from culturebench.artifacts import answers, evaluation, groups
from culturebench.conditions import CONDITIONS
from culturebench.errors import CultureBenchError
from culturebench.measures.paired_test import SignFlip
from culturebench.measures.records import measure
from culturebench.measures.units import Units


@pytest.fixture(scope="module")
def rows(small_run: Any) -> Any:
    return evaluation.load(small_run.root / evaluation.PATH)


def pick(rows: Any, **wanted: Any) -> Any:
    wanted = {"against": "", **wanted}
    found = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    assert len(found) == 1, f"{wanted}: {len(found)} rows"
    return found[0]


def test_culture_vqa_is_the_share_of_pictures_whose_region_the_judge_named(small_run: Any, rows: Any) -> None:
    for condition in small_run.params.conditions.all:
        table = answers.TABLE.load(small_run.root / f"data/answers/atlas_vit/atlas/{condition}/test.parquet")
        share = sum(row["answer"] == row["region"] for row in table) / len(table)
        row = pick(rows, condition=condition, judge="atlas_vit", region="all", measure="culture_vqa")
        assert row["value"] == pytest.approx(share, abs=1e-6)
        assert row["low"] <= row["value"] <= row["high"]
        assert (row["n_prompts"], row["n_images"], row["seeds"]) == (24, 48, [0, 1])


def test_each_subdivision_and_category_has_its_share_of_right_pictures(small_run: Any, rows: Any) -> None:
    found = groups.load(small_run.root / groups.PATH)
    scenes = {scene.id(): (code, place) for code, own in small_run.scenes.items() for place, scene in enumerate(own)}
    for condition in ("noun", "amplified"):
        folder = small_run.root / "data/answers"
        table = [
            row for judge in ("atlas_cnn", "atlas_vit")
            for row in answers.TABLE.load(folder / f"{judge}/atlas/{condition}/test.parquet")
        ]  # fmt: skip
        own = [row for row in found if row["condition"] == condition]
        by_category = {row["group"]: row for row in own if row["by"] == "category"}
        assert set(by_category) == {"crafts", "architecture"}
        for place, name in enumerate(("crafts", "architecture")):
            right = [row["answer"] == row["region"] for row in table if scenes[row["prompt_id"]][1] % 2 == place]
            row = by_category[name]
            assert row["value"] == pytest.approx(sum(right) / len(right), abs=1e-6)
            assert (row["n_prompts"], row["n_images"], row["region"]) == (12, 24, "all")
            assert row["low"] < row["value"] < row["high"]
        by_part = {row["region"]: row for row in own if row["by"] == "subdivision"}
        for code in small_run.regions:  # each region's prompts are of one subdivision
            of_region = pick(rows, condition=condition, judge="pooled", region=code, measure="culture_vqa")
            assert by_part[code]["value"] == of_region["value"]
            assert (by_part[code]["low"], by_part[code]["high"]) == (of_region["low"], of_region["high"])


def test_the_pooled_judge_is_the_mean_of_the_judges(rows: Any) -> None:
    both = [
        pick(rows, condition="amplified", judge=judge, region="jp", measure="culture_vqa")["value"]
        for judge in ("atlas_cnn", "atlas_vit")
    ]
    pooled = pick(rows, condition="amplified", judge="pooled", region="jp", measure="culture_vqa")
    assert pooled["value"] == pytest.approx(sum(both) / 2, abs=1e-6)


def test_a_paired_difference_is_the_difference_of_the_means_when_all_pictures_are_shared(
    small_run: Any, rows: Any
) -> None:
    for one in CONDITIONS:
        if not one.reference or one.name not in small_run.params.conditions.all:
            continue
        wanted = {"judge": "pooled", "region": "all", "measure": "culture_vqa"}
        values = [pick(rows, condition=name, **wanted)["value"] for name in (one.name, one.reference)]
        delta = pick(rows, condition=one.name, against=one.reference, **wanted)
        assert delta["value"] == pytest.approx(values[0] - values[1], abs=2e-6)
    masked = pick(
        rows, condition="masked", judge="pooled", region="all", measure="culture_vqa", against="random_masked"
    )
    assert masked["high"] < 0


def test_every_difference_has_a_p_value_corrected_within_its_measure(small_run: Any, rows: Any) -> None:
    wanted = {"judge": "atlas_vit", "region": "all", "measure": "culture_vqa"}
    made = small_run.params.conditions.all
    pairs = [
        (one.name, other)
        for one in CONDITIONS
        for other in (one.reference, *one.control_names, *one.baselines)
        if one.name in made and other in made
    ]
    found = [row for row in rows if row["against"] and all(row[key] == value for key, value in wanted.items())]
    assert sorted((row["condition"], row["against"]) for row in found) == sorted(pairs)
    test = SignFlip(small_run.params.evaluate.permutations, small_run.params.evaluate.seed)
    regions = {row["prompt_id"]: row["region"] for row in replies(small_run, "noun")}
    for by, key in (("prompt", "p_value"), ("region", "p_by_region")):
        units = Units(by, regions)
        plain = [test.p_value(hits(small_run, name), hits(small_run, other), units) for name, other in pairs]
        corrected: Any = multipletests(plain, method="holm")[1]
        for (condition, against), adjusted in zip(pairs, corrected, strict=True):
            assert pick(found, condition=condition, against=against)[key] == pytest.approx(adjusted, abs=1e-6)
    assert all(row["p_value"] is None for row in rows if not row["against"] or row["region"] != "all")


def hits(run: Any, condition: str) -> dict[tuple[str, int], float]:
    """Whether the second judge named the region, by picture."""
    return {(row["prompt_id"], row["seed"]): float(row["answer"] == row["region"]) for row in replies(run, condition)}


def replies(run: Any, condition: str) -> Any:
    """The second judge's."""
    return answers.TABLE.load(run.root / f"data/answers/atlas_vit/atlas/{condition}/test.parquet")


def test_any_region_named_counts_wrong_regions_too(small_run: Any, rows: Any) -> None:
    for condition in ("noun", "activated"):
        said = [row["answer"] not in ("unrecognizable", "unparseable") for row in replies(small_run, condition)]
        row = pick(rows, condition=condition, judge="atlas_vit", region="all", measure="region_named")
        assert row["value"] == pytest.approx(sum(said) / len(said), abs=1e-6)


def test_every_interval_over_all_regions_stands_by_prompt_and_by_region(rows: Any) -> None:
    for row in rows:
        if row["value"] is None:
            continue
        assert (row["low_by_region"] is not None) == (row["region"] == "all" and row["low"] is not None)


def test_no_share_no_difference_of_shares_and_no_kappa_has_an_interval_of_width_zero(rows: Any) -> None:
    shown = [row for row in rows if row["low"] is not None and measure(row["measure"]).unit == "share"]
    shown += [row for row in rows if row["measure"] == "judge_agreement"]
    assert min(row["high"] - row["low"] for row in shown) > 0.005


def test_p_values_are_no_metric_that_runs_are_compared_by(small_run: Any) -> None:
    assert "p_value" not in (small_run.root / evaluation.SUMMARY_PATH).read_text()


def test_the_object_counts_against_the_truth_of_the_scene(rows: Any) -> None:
    row = pick(rows, condition="noun", judge="atlas_vit", region="all", measure="object_accuracy")
    assert 0.85 < row["value"] <= 1


def test_a_measure_that_was_not_run_is_null_with_its_reason(rows: Any) -> None:
    row = pick(rows, condition="noun", region="all", measure="image_reward")
    assert (row["value"], row["low"], row["reason"]) == (None, None, "no ImageReward weights here")


def test_a_measure_of_all_pictures_of_a_prompt_counts_each_of_them(rows: Any) -> None:
    row = pick(rows, condition="noun", region="all", measure="lpips_diversity")
    assert (row["value"], row["n_prompts"], row["n_images"], row["seeds"]) == (0.4, 24, 48, [0, 1])


def test_regions_of_different_languages_get_no_accuracy_by_language(rows: Any) -> None:
    assert not [row for row in rows if row["measure"] == "language_vqa"]


def test_the_strength_of_a_condition_stands_in_its_rows(rows: Any) -> None:
    assert pick(rows, condition="amplified", judge="pooled", region="all", measure="culture_vqa")["strength"] == 6.0
    assert pick(rows, condition="noun", judge="pooled", region="all", measure="culture_vqa")["strength"] is None


def test_the_judges_agreement_has_a_row_for_every_condition(small_run: Any, rows: Any) -> None:
    agreement = [row for row in rows if row["measure"] == "judge_agreement"]
    assert {row["condition"] for row in agreement} == set(small_run.params.conditions.all)
    assert all(row["judge"] == "atlas_cnn+atlas_vit" and 0.2 < row["value"] <= 1 for row in agreement)


def test_the_summary_holds_the_pooled_values_by_condition(small_run: Any, rows: Any) -> None:
    summary = json.loads((small_run.root / evaluation.SUMMARY_PATH).read_text())
    row = pick(rows, condition="masked", judge="pooled", region="all", measure="culture_vqa")
    assert summary["atlas"]["masked"]["culture_vqa"] == row["value"]
    delta = pick(rows, condition="masked", judge="pooled", region="all", measure="culture_vqa", against="cultural")
    assert summary["atlas"]["masked"]["minus"]["cultural"]["culture_vqa"] == delta["value"]


def test_the_confusion_counts_every_answer_once(small_run: Any) -> None:
    with (small_run.root / evaluation.CONFUSION_PATH).open() as file:
        counts = list(csv.DictReader(file))
    conditions = len(small_run.params.conditions.all)
    assert sum(int(row["count"]) for row in counts) == conditions * 2 * 48


def test_the_same_answers_give_the_same_bytes(small_run: Any) -> None:
    paths = [small_run.root / path for path in (evaluation.PATH, evaluation.SUMMARY_PATH, evaluation.CONFUSION_PATH)]
    before = [path.read_bytes() for path in paths]
    small_run.evaluate()
    assert [path.read_bytes() for path in paths] == before


def test_two_option_sets_are_never_mixed_in_one_table(small_run: Any, tmp_path: Any) -> None:
    from culturebench.evaluation.scores import score_answers

    table = answers.TABLE.load(small_run.root / "data/answers/atlas_vit/atlas/noun/test.parquet")
    table[0]["options"] = ["jp", answers.UNRECOGNIZABLE]
    with pytest.raises(CultureBenchError, match="different option sets"):
        score_answers("atlas_vit", table, table, {}, answers.UNRECOGNIZABLE)


def test_an_unanswered_picture_is_an_error_and_no_silent_gap(small_run: Any) -> None:
    from culturebench.evaluation.scores import score_answers

    table = answers.TABLE.load(small_run.root / "data/answers/atlas_vit/atlas/noun/test.parquet")
    with pytest.raises(CultureBenchError, match="dvc repro judge"):
        score_answers("atlas_vit", table[1:], table, {}, answers.UNRECOGNIZABLE)


def test_an_answer_in_the_same_language_counts_for_accuracy_by_language() -> None:
    from culturebench.evaluation.scores import score_answers

    options = ["es", "mx", "jp", answers.UNRECOGNIZABLE]
    said = {"a": ("es", "mx"), "b": ("mx", "jp"), "c": ("jp", "jp")}
    table = [
        {
            "prompt_id": p,
            "seed": 0,
            "region": r,
            "condition": "noun",
            "answer": a,
            "object": "",
            "options": options,
        }
        for p, (r, a) in said.items()
    ]
    scored = score_answers("j", table, table, {"es": "es", "mx": "es", "jp": "ja"}, answers.UNRECOGNIZABLE)
    by_measure = {one.measure: one for one in scored}
    assert by_measure["language_vqa"].scores == {("a", 0): 1.0, ("b", 0): 0.0}
    elsewhere = by_measure["language_elsewhere"].scores
    assert elsewhere == {("a", 0): 1.0, ("b", 0): 0.0}, "a wrong answer of its own kind, and no other one is of it"
    table[0]["answer"] = "es"
    again = score_answers("j", table, table, {"es": "es", "mx": "es", "jp": "ja"}, answers.UNRECOGNIZABLE)
    assert {one.measure: one for one in again}["language_elsewhere"].scores[("a", 0)] == 0.0, "the region itself"
    assert by_measure["object_accuracy"].reason


def test_an_answer_that_no_region_has_is_counted_apart_and_as_no_region() -> None:
    from culturebench.evaluation.scores import score_answers

    def scored(*options: str) -> dict[str, Any]:
        table: Any = [
            {"prompt_id": p, "seed": 0, "region": "jp", "condition": "noun", "answer": a, "object": "",
             "options": [*options, "jp", "nl", answers.UNRECOGNIZABLE]}
            for p, a in (("a", options[0] if options else "nl"), ("b", "jp"), ("c", answers.UNRECOGNIZABLE))
        ]  # fmt: skip
        found = score_answers("j", table, table, {"jp": "ja"}, answers.UNRECOGNIZABLE)
        return {one.measure: list(one.scores.values()) for one in found}

    found = scored(answers.ANGLO)
    assert found["anglo_share"] == [1, 0, 0]
    assert found["culture_vqa"] == found["region_named"] == [0, 1, 0]
    assert found["plain_share"] == [0, 0, 1]
    assert "anglo_share" not in scored() and scored()["region_named"] == [1, 1, 0]
