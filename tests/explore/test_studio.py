"""What a studio makes of settings: the library's own pictures, bit for bit, and refusals that say what to change."""

from __future__ import annotations

import runpy
import threading
from pathlib import Path

import pytest
import torch
import yaml

import tiny_pipelines
from culturebench.artifacts import adapter, cards, enhancer
from culturebench.artifacts.cards import Caption, Card, Cards, Mark
from culturebench.conditions import condition
from culturebench.errors import CultureBenchError
from culturebench.ethics import SYNTHETIC, marked
from culturebench.explore.handlers import Handlers, Shown, Values
from culturebench.explore.settings import Settings, code_of
from culturebench.explore.shown import cards_of, file_name, text
from culturebench.explore.studio import Studio, _set, open_studio
from culturebench.explore.watch import StoppedError, watched
from culturebench.interventions.adapters.load import adapted
from culturebench.interventions.by_language import LanguageError
from culturebench.interventions.load_culture import load_culture
from culturebench.interventions.load_enhancer import enhanced
from culturebench.report.cards import pieces
from culturebench.text_to_image.sampling import Painter, Shot
from culturebench.text_to_image.systems import load_pinned, load_towers
from import_graph import ROOT
from stages import train_adapter, train_enhancer

AMPLIFIED = Settings("bowl_ja", mode="amplify", region="jp", strength=2.5, seed=3, steps=3)


def library(settings: Settings, studio: Studio) -> bytes:
    """The picture as stages make it, without a studio."""
    project = studio.project
    system = load_pinned(project.model, load_towers(project.towers_path), project.system, settings.steps)
    done = None
    if settings.mode != "none":
        home = {"amplify": "amplified", "activate": "activated", "mask": "masked", "steer": "steered"}[settings.mode]
        culture = load_culture(project.bound, "atlas")
        done = culture.intervention(condition(home), settings.strength, settings.region or "", 0)
    return marked(Painter(system)([Shot(settings.prompt, settings.seed, done)])[0])


@pytest.mark.parametrize("mode", ["none", "amplify", "activate", "mask", "steer"])
def test_a_studios_picture_is_the_librarys_own_bit_for_bit(mode: str, studio: Studio) -> None:
    settings = Settings("bowl_ja", mode=mode, region="jp", strength=2.5, seed=3, steps=3)
    made = studio.made(settings).png
    assert made == library(settings, studio)
    assert SYNTHETIC.encode() in made
    assert (made == studio.made(settings.plain).png) == (mode == "none")


def test_an_enhancers_and_an_adapters_pictures_are_the_librarys_own_bit_for_bit(folder: Path) -> None:
    whole = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["train_adapter"]
    few = {"steps": 2, "batch_size": 1, "checkpoint_every": 1, "log_every": 1, "log_pairs": 2, "learning_rate": 0.05}
    adapters = {"standard": {"kind": "standard", "region": "jp", "caption": "noun_en"}}
    params = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    params |= {"adapters": adapters, "train_adapter": whole | few}
    (folder / "params.yaml").write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")
    train_enhancer.STAGE.execute(model="atlas", site="culture")
    train_adapter.STAGE.execute(model="atlas", adapter="standard")
    studio = open_studio("atlas")
    project, plain = studio.project, studio.made(Settings("bowl_ja", seed=3, steps=3)).png
    ways = {
        "enhance": enhanced(project.enhancer_folder),
        "adapter/standard": adapted(project.adapter_folder("standard"), 1.5),
    }
    for mode, intervention in ways.items():
        system = load_pinned(project.model, load_towers(project.towers_path), project.system, 3)
        own = marked(Painter(system)([Shot("bowl_ja", 3, intervention)])[0])
        made = studio.made(Settings("bowl_ja", mode=mode, strength=1.5, seed=3, steps=3))
        assert made.png == own != plain and made.region is None
    assert studio.made(Settings("bowl_ja", mode="adapter/standard", seed=3, steps=3)).png == plain


def test_strength_seed_and_steps_change_the_picture_and_nothing_is_left_behind(studio: Studio) -> None:
    others = [
        AMPLIFIED.at(5),
        Settings("bowl_ja", "amplify", "jp", 2.5, 4, 3),
        Settings("bowl_ja", "amplify", "jp", 2.5, 3, 1),
    ]
    pictures = [studio.made(one).png for one in (AMPLIFIED, *others)]
    assert len(set(pictures)) == 4
    studio._kept.clear()
    assert studio.made(AMPLIFIED).png == pictures[0]
    assert studio.made(AMPLIFIED.at(0)).png == studio.made(AMPLIFIED.plain).png


def test_the_three_lines_make_the_same_bytes(studio: Studio, folder: Path) -> None:
    for settings in (AMPLIFIED, AMPLIFIED.plain, Settings('it\'s "bowl_ja"\n\u202e${x}', "mask", "nl", steps=2)):
        made = studio.made(settings)
        code = code_of("atlas", made.settings)
        assert code.count("\n") == 3 and code.replace("\n", "").isprintable()
        (folder / "lines.py").write_text(code, encoding="utf-8")
        runpy.run_path(str(folder / "lines.py"))
        assert (folder / "picture.png").read_bytes() == made.png


def test_what_plays_no_part_is_not_in_the_lines(studio: Studio) -> None:
    asked = Settings("bowl_ja", "mask", "jp", strength=3, steps=2, tower="atlas")
    said = code_of("atlas", studio.made(asked).settings)
    assert "strength" not in said and "tower" not in said
    assert "region" not in code_of("atlas", studio.made(Settings("bowl_ja", "none", "jp", steps=2)).settings)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"prompt": " "}, "1 to 1000 letters"),
        ({"prompt": "x" * 1001}, "this one has 1001"),
        ({"seed": -1}, "seed is -1"),
        ({"steps": 0}, "from 1 to 200"),
        ({"steps": 10**6}, "from 1 to 200"),
        ({"strength": float("nan")}, "strength is nan"),
        ({"strength": 1e9}, "from -100 to 100"),
        ({"mode": "burn"}, "there are: none, amplify, activate, mask"),
        ({"mode": "../../x"}, "there are: none, amplify"),
        ({"region": "xx"}, "there are: jp, nl"),
        ({"tower": "other"}, "there are: atlas"),
    ],
)
def test_a_wrong_setting_is_one_error_that_says_what_is_allowed(wrong: dict, said: str, studio: Studio) -> None:
    whole = {"prompt": "bowl_ja", "mode": "amplify", "region": "jp", "strength": 1.0, "steps": 2, **wrong}
    with pytest.raises(CultureBenchError, match=said):
        studio.picture(**whole)


def test_by_language_means_the_region_of_the_prompt_and_refuses_what_could_be_several(studio: Studio) -> None:
    assert studio.picture("お椀", mode="amplify", strength=1.0).region == "jp"
    with pytest.raises(LanguageError, match="could be any of"):
        studio.picture("kom", mode="amplify", strength=1.0)


def test_a_project_that_found_nothing_yet_says_which_command_finds_it(folder: Path) -> None:
    (folder / "models/strength/atlas.json").unlink()
    with pytest.raises(CultureBenchError, match=r"models/strength/atlas.json is missing: .* run `make repro` first"):
        open_studio("atlas")
    with pytest.raises(CultureBenchError, match=r"params.yaml has no models.sdxl; models has: atlas"):
        open_studio("sdxl")


def test_modes_are_those_that_the_project_has_all_of(studio: Studio, folder: Path) -> None:
    assert list(studio.modes) == ["amplify", "activate", "mask", "steer", "steer_en"]
    assert studio.modes["amplify"].strengths == (0.0, 3.0)
    assert not (folder / enhancer.PATH.format(model="atlas", site="culture")).exists()
    assert not (folder / adapter.PATH.format(model="atlas", adapter="x")).exists()


def test_two_visitors_at_once_get_what_each_gets_alone(studio: Studio) -> None:
    asked = [AMPLIFIED.at(strength) for strength in (1, 2)]
    alone = [studio.made(one).png for one in asked]
    found: dict[int, list[bytes]] = {0: [], 1: []}

    def visit(who: int) -> None:
        for _ in range(5):
            studio._kept.clear()
            found[who].append(studio.made(asked[who]).png)

    visitors = [threading.Thread(target=visit, args=(who,)) for who in (0, 1)]
    for one in visitors:
        one.start()
    for one in visitors:
        one.join()
    assert found == {0: [alone[0]] * 5, 1: [alone[1]] * 5}


# ── what the page's controls do ─────────────────────────────────────────────────────────────────────────────────


def values(**changes: object) -> Values:
    whole = {"prompt": "bowl_ja", "region": "jp", "tower": "atlas", "mode": "amplify", "strength": 2, "seed": 0}
    return Values(**{**whole, "steps": 4, **changes})


def told(passes: int, steps: int) -> None:
    """Nobody looks."""


def test_the_pair_begins_with_the_unedited_picture_and_ends_with_both_and_the_code(studio: Studio) -> None:
    first, last = Handlers(studio).pair(values(), "a", told)
    assert (first.pictures.count("<img"), last.pictures.count("<img")) == (1, 2)
    assert first.code == "" and last.code == code_of("atlas", Settings("bowl_ja", "amplify", "jp", 2.0, 0, 4))
    [alone] = Handlers(studio).pair(values(mode="none"), "a", told)
    assert alone.pictures.count("<img") == 1 and "mode" not in alone.code


def test_progress_is_told_at_each_step_and_stop_ends_that_visitors_picture_at_the_next(studio: Studio) -> None:
    handlers, seen = Handlers(studio), []

    def stop_at_two(passes: int, steps: int) -> None:
        seen.append((passes, steps))
        if passes == 2:
            handlers.stop("a")
            handlers.stop("a stranger")

    assert "Stopped." in list(handlers.pair(values(), "a", stop_at_two))[-1].message
    assert seen == [(1, 4), (2, 4)]
    assert list(handlers.pair(values(), "b", told))[-1].pictures.count("<img") == 2
    assert list(handlers.pair(values(), "a", told))[-1].pictures.count("<img") == 2
    handlers.leave("a")
    assert "a" not in handlers._stopped


def test_the_strip_has_one_picture_more_each_time_up_to_the_largest_strength(studio: Studio) -> None:
    strips = list(Handlers(studio).strip(values(), "a", told))
    assert [one.pictures.count("<img") for one in strips] == [1, 2]
    assert "λ 3" in strips[-1].pictures
    [refused] = Handlers(studio).strip(values(mode="mask"), "a", told)
    assert "no strength" in refused.message


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"seed": "x"}, "must be whole numbers"),
        ({"prompt": None}, "1 to 1000 letters"),
        ({"region": "", "prompt": "kom"}, "could be any of"),
        ({"mode": ["amplify"]}, "there is no mode"),
        ({"strength": "1e400"}, "strength is inf"),
    ],
)
def test_what_cannot_be_made_is_a_reason_on_the_page(wrong: dict, said: str, studio: Studio) -> None:
    [refused] = Handlers(studio).pair(values(**wrong), "a", told)
    assert said in refused.message and refused == Shown(message=refused.message)


HOSTILE = '<img src=x onerror="owned()">{{value}}${owned()}`\\'


def test_whatever_a_visitor_writes_is_text_on_the_page(studio: Studio) -> None:
    *_, shown = Handlers(studio).pair(values(prompt=f"{HOSTILE} bowl_ja"), "a", told)
    [refused] = Handlers(studio).pair(values(mode=HOSTILE), "a", told)
    for said in (shown.pictures, refused.message, text(HOSTILE)):
        assert "<img src=x" not in said and not set("{}$`\\") & set(said)
    made = studio.made(AMPLIFIED)
    named = file_name(type(made)(made.png, Settings("x", "adapter/../<b>", seed=1), "jp"))
    assert named == "adapter-..-b--jp-0-seed1.png"


def test_a_watch_that_ends_a_picture_leaves_no_hook(studio: Studio) -> None:
    def end(_passes: int) -> None:
        raise StoppedError("stopped")

    unet = studio.system.denoiser
    with pytest.raises(StoppedError), watched(unet, end):
        unet(torch.zeros(1))
    assert not unet._forward_pre_hooks


# ── neuron cards ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_project_without_cards_has_none_on_its_page(studio: Studio) -> None:
    assert studio.project.cards is None and cards_of(studio.project, "jp") == ""


def test_a_regions_cards_are_shown_and_a_caption_in_them_stays_text(studio: Studio) -> None:
    card: Card = {
        "region": "jp", "latent": 5, "rank": 0, "score": 1.5, "amplified": None, "masked": None, "twins": [],
        "captions": [{"region": "jp", "language": "ja", "text": f"{HOSTILE} 椀", "activation": 2.0,
                      "marks": [{"start": 0, "end": 4, "share": 1.0}]}],
        "fired": [{"region": "nl", "frequency": 0.5, "frequency_noun": 0.0, "mean": 1.0, "selected": True}],
        "near": [{"latent": 7, "cosine": 0.5, "regions": ["nl"]}],
    }  # fmt: skip
    found: Cards = {
        "encoder": "atlas", "layer": 1, "sae_seed": 0, "positions": "summary", "judge": "tiny", "amplify": 8.0,
        "prompts": 0, "seeds": [0], "cards": [card, {**card, "region": "nl", "latent": 6}],
    }  # fmt: skip
    for path in (cards.PATH, cards.PICTURES):
        Path(path.format(model="atlas")).parent.mkdir(parents=True, exist_ok=True)
    cards.save(Path(cards.PATH.format(model="atlas")), found)
    cards.TABLE.save(Path(cards.PICTURES.format(model="atlas")), [])
    shown = cards_of(studio.project, "jp")
    assert "Neuron 5" in shown and "Neuron 6" not in shown and "also of nl" in shown
    assert '<mark style="--v:1.00">&lt;img</mark>' in shown and not set("{}$`\\") & set(shown)
    assert cards_of(studio.project, "../x") == ""


def test_marks_part_a_caption_and_nothing_of_it_is_lost() -> None:
    marks: list[Mark] = [{"start": 2, "end": 4, "share": 0.5}, {"start": 3, "end": 6, "share": 1.0}]
    caption: Caption = {"region": "jp", "language": "ja", "text": "abcdefgh", "activation": 1.0, "marks": marks}
    assert pieces(caption) == [("ab", 0.0), ("cd", 0.5), ("ef", 1.0), ("gh", 0.0)]


# ── pipelines of diffusers ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["sdxl", "flux"])
def test_steps_and_tower_of_a_pipeline_are_set_without_loading_it_again(name: str, tmp_path: Path) -> None:
    system, passes = tiny_pipelines.system_of(name, tmp_path), []
    assert system.encoder is system.towers[1]
    for steps, edited in ((2, 0), (4, 1)):
        passes.clear()
        _set(system, steps, edited)
        with watched(system.denoiser, passes.append):
            Painter(system)([Shot("a bowl", 0)])
        assert system.encoder is system.towers[edited] and passes == list(range(1, steps + 1))
