import base64
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from markupsafe import escape
from PIL import Image
from statsmodels.stats.proportion import proportion_confint

from culturebench.artifacts import evaluation, examples, groups as artifact
from culturebench.conditions import condition
from culturebench.ethics import SENTENCES, SYNTHETIC
from culturebench.report import (
    alike,
    captions,
    charts,
    english,
    examples as shown_examples,
    gallery,
    groups,
    headline,
    published,
    reliability,
    sweeps,
    tables,
    words,
)
from culturebench.report.contents import data_values, params_values
from culturebench.report.page import render
from culturebench.report.plot import Axis
from culturebench.report.results import Results


@pytest.fixture(scope="module")
def html(small_run: Any) -> Any:
    return small_run.report().read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def results(small_run: Any) -> Any:
    return Results(evaluation.load(small_run.root / evaluation.PATH), "atlas")


def test_the_page_holds_all_that_it_shows(html: Any) -> None:
    links = re.findall(r"""(?:src|href)=["']([^"']*)""", html)
    cards = {link for link in links if not link.startswith(("data:", "#"))}
    assert links and cards == {"neurons/atlas.html"}  # a page of its own, beside this one
    assert "<script" not in html and "@import" not in html and "url(" not in html


def test_every_generated_picture_says_that_a_model_made_it(html: Any) -> None:
    found = [base64.b64decode(text) for text in re.findall(r"data:image/png;base64,([\w+/=]+)", html)]
    assert found and all(SYNTHETIC.encode() in picture for picture in found)


def test_the_page_says_what_it_is_meant_for_and_what_not(html: Any) -> None:
    assert all(sentence in html for sentence in SENTENCES)


def test_results_on_the_atlas_say_so(html: Any) -> None:
    assert "Atlas: an embedded world. Not comparable with published numbers." in html
    assert "21.65" not in html


def test_a_model_that_reads_pictures_has_a_chapter_with_its_own_controls(html: Any) -> None:
    chapter = html[html.index('id="audits"') : html.index('id="data"')]
    assert "whose culture neurons were planted" in chapter
    for said in ("Own minus random", "Neutral", "Test questions in English", "categories alike", "right → wrong"):
        assert said in chapter
    rows = re.findall(r'<tr><th scope="row">CAS \(ConAct\).*?</tr>', chapter, re.S)
    assert all("−100" in row for row in rows[::2])  # own, in both languages
    assert "Test pictures, none generated" in chapter and "12 get another answer" in chapter
    assert "36 answers of scripted annotators" in chapter


def test_without_audits_there_is_no_such_chapter(small_run: Any) -> None:
    values = {key: [] for key in ("systems", "models", "alone", "audits")}
    page = render({
        **values, "regions": [], "level": 0.95, "data": data_values({"regions": {}, "all": {}}, []),
        "study": None, "reliability": {"forms": [], "scripted": False},
        "pins": [], "versions": [], "params": [],
    })  # fmt: skip
    assert "audits" not in page


def test_the_marked_layer_is_named_as_people_count_with_its_index(html: Any) -> None:
    assert "layer 3 of 4 (index 2)" in html


def test_the_same_results_give_the_same_page(small_run: Any, html: Any) -> None:
    assert small_run.report().read_text(encoding="utf-8") == html


def test_the_page_holds_no_path_of_this_machine(small_run: Any, html: Any) -> None:
    assert str(small_run.root) not in html and "/home/" not in html


def test_text_from_outside_cannot_become_markup() -> None:
    found = {"screen": {"kept": 1, "dropped": {"<script>alert(1)</script>": 2}}}
    values = data_values({"regions": {"jp": found}, "all": found}, ["jp"])
    right = {"value": 0.5, "low": 0.4, "high": 0.6, "pictures": 9, "answers": 9}
    judged = {
        "choices": [4], "judge": right, "unparseable": 0, "people": right, "reason": "", "difference": right,
        "agreement": right, "annotators": {"<i>expert": {"answers": 9, "right": 4}}, "other_options": 1,
    }  # fmt: skip
    page = render({
        "models": [], "systems": None, "alone": [], "regions": ["jp"],
        "reliability": reliability.values({"<i>judge": {"pictures": judged, "regions": judged}}), "study": None,
        "audits": [],
        "level": 0.95, "data": values, "pins": [], "versions": [],
        "params": params_values({"x": "<b>"}),
    })  # fmt: skip
    assert "&lt;script&gt;alert(1)&lt;/script&gt; 2" in page
    assert "<script>" not in page and "<b>" not in page and "<i>" not in page
    assert "94.18%" in page and "1 answers were given to other questions" in page  # no scripted annotators here


def test_how_alike_pictures_of_a_region_are_stands_with_intervals_and_whose_repeat_their_cues(
    results: Any, small_run: Any, html: Any
) -> None:
    found = alike.concentration(results, small_run.regions)
    assert found is not None
    assert found["more"] == ["amplified"]
    assert [code for code, _ in found["rows"]] == small_run.regions
    planted = dict(zip(found["conditions"], found["all"], strict=True))
    assert planted["noun"]["high"] < 0 < planted["amplified"]["low"]
    assert all(row["low"] < row["value"] < row["high"] for _, cells in found["rows"] for row in cells)
    assert f"those of: {words.inline('amplified')}." in html
    assert alike.concentration(Results([], "atlas"), small_run.regions) is None


def test_the_page_says_whether_a_nouns_pictures_are_english_or_only_neutral(html: Any) -> None:
    assert "what lacks a culture is the English picture" in html
    assert "By their own intervals English-like: Arab world, Japan, Spain, Francophone Africa." in html
    rows = [
        {"region": "all", "distance": "english", "against": against, "value": 0.1, "low": low, "high": low + 0.2,
         "n_prompts": 4, "n_images": 8}
        for against, low in (("", 0.0), ("seeds", 0.05))
    ]  # fmt: skip
    found = english.values({"by": "a CLIP", "reason": "", "rows": rows}, ["jp"])
    assert (found["english"], found["other"]) == ([], ["all"])
    assert found["rows"][1] == ("jp", [None, None])


def test_subdivisions_and_categories_have_their_values_with_intervals_and_their_counts(
    small_run: Any, html: Any
) -> None:
    found = groups.by_group(artifact.load(small_run.root / artifact.PATH), "atlas", small_run.regions)
    assert [table["by"] for table in found] == ["subdivision", "category"]
    subdivisions, categories = found
    assert [code for code, *_ in subdivisions["rows"]] == small_run.regions
    assert [(code, group, prompts) for code, group, prompts, _ in categories["rows"]] == [
        ("all", "architecture", 12), ("all", "crafts", 12),
    ]  # fmt: skip
    assert categories["conditions"] and "random_amplified" not in categories["conditions"]
    for title in ("CultureVQA by subdivision and condition", "CultureVQA by category and condition",
                  "Pictures by subdivision", "Pictures by category"):  # fmt: skip
        assert f'aria-label="{title}"' in html
    counted = {"jp": {"category": {"crafts": {"pictures": 3, "test": 3}}, "subdivision": {"": {"pictures": 3}}}}
    (parts, kinds) = groups.counted({**counted, "nl": counted["jp"]}, ["jp", "nl"])
    assert parts["rows"] == [("jp", "none", 3, [0, 0, 0]), ("nl", "none", 3, [0, 0, 0])]
    assert kinds["rows"] == [("all", "crafts", 6, [0, 0, 6])]


def test_a_picture_of_each_region_stands_with_its_four_captions_and_whom_to_name(small_run: Any, html: Any) -> None:
    rows: Any = {row["region"]: row for row in examples.TABLE.load(small_run.root / examples.PATH)}
    found = shown_examples.values(rows.values(), small_run.regions, 32)["rows"]
    assert [row["region"] for row in found] == small_run.regions
    for shown in found:
        row = rows[shown["region"]]
        assert shown["credit"] == "A. <b>Painter</b>, CC-BY-4.0"
        for role, caption in zip(shown_examples.CAPTIONS, shown["captions"], strict=True):
            assert "".join(text for text, _ in caption["parts"]) == row[role]["text"]
            assert sum(modifier for _, modifier in caption["parts"]) == role.startswith("cultural"), role
            assert all(escape(text) in html for text, _ in caption["parts"])
        picture = base64.b64decode(shown["uri"].partition(",")[2])
        with Image.open(io.BytesIO(picture)) as image:
            assert max(image.size) == 32
        assert SYNTHETIC.encode() not in picture  # nobody generated it
    assert "A. &lt;b&gt;Painter&lt;/b&gt;, CC-BY-4.0" in html and "nobody picked it" in html


def test_audits_of_written_captions_and_the_concentration_of_cues_stand_by_region(html: Any) -> None:
    chapter = html.partition('aria-label="Audits of captions and concentration of cues"')[2].partition("</details>")[0]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", chapter, re.DOTALL)[:8]
    assert cells[:5] == ["90", "70", "11", "5", "4"]
    assert cells[5].startswith("80 of 86") and "α 0.83" in cells[5]
    low, high = proportion_confint(20, 80, method="wilson")
    assert cells[6].startswith("&lt;b&gt;lacquer: 25%") and f"[{100 * low:.1f}, {100 * high:.1f}]" in cells[6]
    assert cells[7].startswith("6.2") and "of 12, 9 grounded" in cells[7]


def test_where_no_model_wrote_a_caption_there_is_no_such_table() -> None:
    cues: Any = {"grounded": 0, "all": 0, "pictures": 0, "top": "", "top_pictures": 0, "effective": None}
    none: Any = {"written": 0, "audits": {}, "waiting": {}, "cues": cues,
                 "auditors": {"several": 0, "alike": 0, "alpha": None}}  # fmt: skip
    assert captions.values({"jp": none}, ["jp"], 0.95) == []
    (row,) = captions.values({"jp": none | {"written": 1}}, ["jp"], 0.95)
    assert (row["share"], row["agree"], row["top"]) == (None, None, "")


def test_the_published_pair_stands_beside_its_own_form_alone_and_not_beside_drawn_pictures(html: Any) -> None:
    right = {"value": 0.5, "low": 0.4, "high": 0.6, "pictures": 9, "answers": 9}
    judged: Any = {
        "choices": [4], "judge": right, "unparseable": 0, "people": right, "reason": "", "difference": right,
        "agreement": right, "annotators": {"expert": {"answers": 9, "right": 4}}, "other_options": 0,
    }  # fmt: skip
    both = reliability.values({"j": {"pictures": judged, "regions": judged}})["forms"]
    assert [(one["form"], one["paper"]) for one in both] == [("pictures", published.RELIABILITY), ("regions", None)]
    (alone,) = reliability.values({"j": {"regions": judged}})["forms"]
    assert (alone["form"], alone["paper"]) == ("regions", None)
    assert "Several pictures: which one shows the culture named?" in html  # of the atlas, whose annotators are scripts
    assert "One picture: which culture does it show?" in html and "91.57%" not in html


def test_what_left_the_pipeline_is_counted_by_reason_the_most_frequent_first() -> None:
    found = {
        "caption": {"kept": 7, "dropped": {"no_span": 1}, "waiting": {"no_caption": 4}},
        "annotate": {"kept": 9, "dropped": {}, "provisional": 2, "agreement": 0.9},
    }
    annotate, caption = data_values({"regions": {"jp": found}, "all": found}, ["jp", "fr"])["stages"]
    assert (caption["kept"], caption["lost"]) == (7, 5)
    assert caption["reasons"] == [("no_caption", 4), ("no_span", 1)]
    assert annotate["notes"] == ["2 provisional, without a majority", "annotators agree on 90.0%"]
    assert annotate["by_region"] == {"jp": 9}


def compared(measure: str, difference: float, p_value: float) -> Results:
    """What is known of one difference from the reference."""
    row = {"model": "m", "prompts": "test", "condition": "amplified", "judge": "", "region": "all", "reason": ""}
    row |= {"against": "noun", "measure": measure, "value": difference, "p_value": p_value}
    return Results([row], "m", 0.95)


@pytest.mark.parametrize(
    ("measure", "difference", "p_value", "said"),
    [
        ("culture_vqa", 0.1, 0.04, "better"),
        ("culture_vqa", -0.1, 0.04, "worse"),
        ("culture_vqa", 0.1, 0.06, "no evidence"),
        ("lpips_reference", -0.1, 0.04, "better"),
        ("lpips_reference", 0.1, 0.04, "worse"),
    ],
)
def test_the_verdict_knows_which_way_is_better(measure: str, difference: float, p_value: float, said: str) -> None:
    found = compared(measure, difference, p_value).verdict("amplified", measure, "noun")
    assert words.verdict(found) == said


def test_a_difference_without_a_test_is_no_evidence() -> None:
    assert Results([], "m").verdict("amplified", "culture_vqa", "noun") == "none"


def test_the_headline_claims_no_more_than_the_numbers(results: Any) -> None:
    assert "So the knowledge is there" in headline.lead(results)
    flat = [dict(r, p_value=0.5) if r["p_value"] is not None else r for r in results.rows]
    without = Results(flat, "atlas")
    assert "no evidence" in headline.lead(without)
    found = headline.findings(without)
    assert {item["verdict"] for item in found} == {"none"}
    assert all(item["control"].startswith("no evidence beyond chance") for item in found if item["control"])
    said = [sentence for item in found for sentence in item["baselines"]]
    assert len(said) == 6 and all(sentence.startswith("It does not beat ") for sentence in said)


def test_an_intervention_that_does_not_beat_a_baseline_is_said_to(results: Any) -> None:
    """Planted: amplified .45 stands between prompted .22 and steered .85, and activated .60 beside steered .60."""
    said = {item["condition"]: item["baselines"] for item in headline.findings(results)}
    steered, prompted = said["amplified"]
    assert steered.startswith("It is worse than steered: −") and prompted.startswith("It beats prompted: +")
    assert said["activated"][0].startswith("It does not beat English steered: ")
    assert said["steered"] == [] == said["masked"]
    table = tables.comparison(results, "", tables.ABLATION)
    beside = {row["condition"]: [one["against"] for one in row["controls"]] for row in table["rows"]}
    assert beside["amplified"] == ["random_amplified", "steered", "prompted"]


def test_the_main_table_has_the_papers_value_only_for_the_papers_models(results: Any) -> None:
    ours = tables.comparison(results, published.model_of([None]), tables.MAIN)
    theirs = tables.comparison(results, published.model_of([None, "BAAI/AltDiffusion-m18"]), tables.MAIN)
    assert not ours["paper"] and all(cell["paper"] is None for r in ours["rows"] for cell in r["cells"])
    assert {r["condition"]: r["paper"] for r in theirs["rows"]}["enhanced"] == 0.3266


def test_every_system_of_the_paper_with_a_public_repository_is_known_by_it() -> None:
    pins = [
        pin
        for path in (Path(__file__).parents[2] / "examples/models").glob("*.yaml")
        for pin in yaml.safe_load(path.read_text())["pins"].values()
    ]
    known = {published.model_of([pin["repo"]]) for pin in pins if "repo" in pin} - {""}
    assert known == published.VALUES.keys()


def test_the_strengths_stand_beside_the_papers_for_its_own_model_alone() -> None:
    point = {"accuracy": 0.3, "low": 0.2, "high": 0.4, "alignment": 1.0, "allowed": True}
    found = {"strength": 7, "curve": [{"strength": x, **point} for x in (8, 0, 7)]}
    table = sweeps.strengths("amplify", found, "PEA-Diffusion")
    assert [(r["strength"], r["chosen"], r["paper"]) for r in table] == [
        (0, False, None), (7, True, 0.3592), (8, False, 0.3261)
    ]  # fmt: skip
    assert all(r["paper"] is None for r in sweeps.strengths("amplify", found, ""))


def test_the_size_of_every_edit_and_the_pool_of_the_matched_controls_stand_with_the_strengths(html: Any) -> None:
    text = " ".join(html.split())
    assert "CultureVQA by the size of the edit, Amplify, from noun" in text
    assert "<td>6</td><td>0.050</td>" in text
    assert "draw from 60 to 120 latents a region and autoencoder; in 1 of 2 too few are left" in text
    assert "Language masked leaves out 1 regions: no latent fires on half of jp&#39;s noun prompts." in text


def test_the_table_of_k_says_what_lies_on_both_sides_of_the_elbow() -> None:
    def latent(rank: int, score: float, candidate: bool, selected: bool) -> dict[str, Any]:
        same = {"region": "jp", "sae_seed": 0}
        return {**same, "rank": rank, "score": score, "candidate": candidate, "selected": selected, "elbow": 1}

    rows = [latent(2, 0.5, False, False), latent(0, 3.0, True, True), latent(1, 2.0, True, False)]
    [row] = sweeps.elbows(rows, ["jp", "fr"])
    assert row == {
        "region": "jp", "seed": 0, "k": 2, "elbow": 1, "decided": "min_k",
        "dropped": 1, "selected": 1, "first": 3.0, "inside": 2.0, "outside": 0.5
    }  # fmt: skip


def test_the_report_says_in_how_many_curves_a_bound_and_not_the_elbow_decided_k(html: Any, small_run: Any) -> None:
    curves = 2 * len(small_run.regions)
    assert f"in {curves // 2} of {curves} curves the elbow of the ranked scores (Kneedle) decides; " in html
    assert f"in {curves // 2} of {curves} curves the lower bound <code>min_k</code> decides, not the elbow." in html


def test_the_layers_chart_has_the_placebos_and_the_copies_beside_the_curve_that_decides(html: Any) -> None:
    for style in ("placebos", "reinitialised"):
        assert html.count(f'class="band {style}"') == 1, "drawn in the panel of the deciding reference alone"
    assert "marks layer 3 of 4 (index 2) (p = 0.002 by sign flips, p = 0.001 by placebo modifiers)" in html
    assert "9 of 3 regions, 3.2 tokens long, the cultural ones 3.0; words of other length: 4" in html
    assert "19 copies of the encoder with weights drawn anew" in html and "they decide nothing" in html
    assert "disagree" not in html.split("<main>")[0], "all references and the check mark one layer"


def test_a_measure_that_was_not_run_stands_below_the_table_with_its_reason(results: Any) -> None:
    table = tables.comparison(results, "", tables.MAIN)
    assert "image_reward" not in table["columns"]
    assert ("image_reward", "no ImageReward weights here") in table["missing"]


def test_the_confusion_rows_are_shares_of_their_region(small_run: Any) -> None:
    rows = evaluation.load_confusion(small_run.root / evaluation.CONFUSION_PATH)
    matrix = tables.confusion(rows, "atlas", "noun", small_run.regions)
    assert matrix is not None
    assert all(sum(shares) == pytest.approx(1) for shares in matrix["shares"])
    assert matrix["answers"][-1] == "unrecognizable"
    assert tables.confusion(rows, "atlas", "unknown", small_run.regions) is None


def test_the_grid_takes_the_first_prompt_and_seed_of_each_region(small_run: Any) -> None:
    made = [
        {"region": "jp", "prompt_id": prompt, "seed": seed} for prompt in ("b", "a") for seed in (1, 0)
    ]  # fmt: skip
    assert gallery.first_prompts(made, ["fr", "jp"]) == {"jp": ("a", 0)}


def test_overlap_is_the_jaccard_index_of_the_selected_neurons() -> None:
    def latent(region: str, index: int, seed: int = 0) -> dict[str, Any]:
        return {"region": region, "latent": index, "sae_seed": seed, "selected": True}

    rows = [latent("a", 1), latent("a", 2), latent("b", 2), latent("b", 3), latent("c", 9)]
    matrix = charts.overlap(rows, ["a", "b", "c"])
    assert matrix[0] == pytest.approx([1, 1 / 3, 0])
    assert matrix[1] == pytest.approx([1 / 3, 1, 0])


def test_a_curve_without_a_marked_layer_says_so() -> None:
    rows = [
        {"layer": i, "delta": 0.1, "low": 0.0, "high": 0.2, "candidate": True, "marked": False, "reference": "zero",
         "direction": "d", "excess": None, "p_flips": None, "p_placebos": None}
        for i in range(3)
    ]  # fmt: skip
    none = {"band": []}
    probe = {"curves": rows, "direction": "d", "reference": "zero", "layers": 3, "placebos": none}
    [group] = charts.layer_charts({**probe, "reinitialised": none})  # type: ignore[arg-type]
    assert group["panels"][0]["verdict"] == "marks no layer"


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-0.55, 1.31), (0.081, 0.1101), (0, 0), (-3e-5, 2e-5), (0, 4800)])
def test_an_axis_covers_its_values_with_a_few_round_ticks(low: float, high: float) -> None:
    axis = Axis.nice(low, high)
    assert axis.low <= low and axis.high >= high and axis.low < axis.high
    assert 2 <= len(axis.ticks) <= 8
    assert len({label for _, label in axis.ticks}) == len(axis.ticks)


def test_a_long_name_may_break_in_a_narrow_column_and_nowhere_else() -> None:
    assert words.column("nl") == "Nether\u00adlands" and words.region("nl") == "Netherlands"
    assert words.column("xx") == "xx"


@pytest.mark.parametrize(("text", "direction"), [("وعاء", "rtl"), ("(1) bowl", "ltr"), ("茶碗", "ltr"), ("", "ltr")])
def test_the_first_letter_gives_the_direction(text: str, direction: str) -> None:
    assert words.direction(text) == direction


def test_every_intervention_of_the_evaluation_has_a_place_in_the_report(results: Any) -> None:
    groups = tables.summary(results)
    shown = [row["condition"] for group in groups for row in group["rows"]]
    assert sorted(shown) == sorted(results.conditions)
    assert [group["heading"] for group in groups] == [
        "From the prompt alone",
        "Bringing it back, from the noun",
        "Bringing it back, from English",
        "Taking it away, from the cultural caption",
    ]
    assert tables.MAIN == (
        "noun_en", "noun", "cultural", "prompted_en", "prompted",
        "amplified", "enhanced", "steered", "few_layers_steered", "activated", "steered_en",
    )  # fmt: skip
    assert ("cultural", "masked", *condition("masked").control_names) == tables.VALIDATION
    assert (
        "noun", "amplified", *condition("amplified").control_names,
        "enhanced", "shuffled_enhanced", "other_layer_enhanced", "steered", "same_norm_steered",
        "few_layers_steered", "same_norm_few_layers_steered",
        "noun_en", "activated", *condition("activated").control_names, "steered_en", "same_norm_steered_en",
    ) == tables.ABLATION  # fmt: skip


def test_the_headline_compares_with_the_strongest_null_and_never_with_what_is_none(results: Any) -> None:
    found = {item["condition"]: item["control"] for item in headline.findings(results)}
    assert "its strongest null, language masked" in found["masked"]
    assert "its strongest null, shuffled enhanced" in found["enhanced"]


def test_the_headline_has_the_interval_by_region_beside_the_one_by_prompt(results: Any, html: Any) -> None:
    masked = next(item for item in headline.findings(results) if item["condition"] == "masked")
    delta = results.get("masked", "culture_vqa", against="language_masked")
    both = f"{words.interval(delta, signed=True)}, by region {words.interval_by_region(delta, signed=True)}"
    assert both in masked["control"] and both in html
    assert words.interval_by_region(masked["delta"], signed=True) in html
    alone = {**delta, "low_by_region": None, "high_by_region": None}
    assert words.change(alone) == f"{words.points(delta['value'])} points {words.interval(delta, signed=True)}"


def test_the_evaluations_file_is_one_row_a_line(small_run: Any) -> None:
    lines = (small_run.root / evaluation.PATH).read_text().splitlines()
    assert all(json.loads(line.rstrip(",")) for line in lines[1:-1])


def test_the_curves_of_the_page_are_tables_for_dvc_plots(small_run: Any, html: Any) -> None:
    from stages.report import STAGE

    for name in ("layers", "neurons", "strength_curves"):
        head, *rows = (small_run.root / STAGE.outputs[name]).read_text().splitlines()
        assert rows and all(len(row.split(",")) == len(head.split(",")) for row in rows)


def test_the_selectors_stand_side_by_side_with_what_their_masks_take(html: str):
    start = html.index("Would another rule find better neurons?")
    section = re.sub(r"<[^>]+>|\s+", " ", html[start : html.index("How strong to push")])
    assert re.search(r"WFS .{0,80}12\.5 +\+50\.0 +\[\+40\.0, \+60\.0\]", section)
    assert re.search(
        r"LAPE .{0,80}12\.5 +\+5\.0 +\[−5\.0, \+15\.0\] +by region \[−15\.0, \+25\.0\] +no evidence", section
    )
    assert re.search(r"Masked: its best 8 alone +WFS .{0,80}8\.0 +\+50\.0", section)
    assert section.count("−19") == 2 * 3 * 4 * 3  # the cells off the diagonals
    assert re.search(r"90\.0% +\[80\.0, 100\.0\] +of the unmasked", section)


def test_the_training_of_the_autoencoders_is_drawn_with_its_dead_share(html: str):
    assert 'aria-label="latents silent for long by step"' in html
    assert 'aria-label="variance left unexplained by step"' in html


def test_judges_stand_beside_people_and_scripted_ones_are_called_so_without_the_papers_value(html: Any) -> None:
    assert "How far the judges can be trusted" in html
    assert "Scripted annotators right" in html and "900 answers to 300 questions" in html and "291 of 300 right" in html
    assert "Scripted annotators are no people" in html and "94.18" not in html


@pytest.mark.parametrize(("selector", "said"), [("wfs", "weighted frequency score"), ("cas", "picked by CAS (ConAct)")])
def test_the_page_names_the_rule_that_picked_the_neurons(make_run: Callable[..., Any], selector: str, said: str):
    run = make_run(["jp", "nl"], prompts=1, seeds=1)
    chosen = run.params.select_neurons.model_copy(update={"selector": selector})
    run.params = replace(run.params, select_neurons=chosen)
    assert said in run.report().read_text(encoding="utf-8")
