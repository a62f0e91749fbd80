"""How the atlas's models are trained: on which words and pictures, and that a kill costs nothing but time."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from culturebench.atlas import train as command
from culturebench.atlas.captions import Caption, cultural_caption, neutral_caption, noun_caption, unseen_caption
from culturebench.atlas.collection import findings
from culturebench.atlas.judges import PLAIN, REGION_CLASSES, UNRECOGNIZABLE, AtlasJudge
from culturebench.atlas.training import autoencoder, further_words, judges, loop, parts, unrecognizable
from culturebench.atlas.training.cases import draw_scene
from culturebench.atlas.training.encoder import CULTURE_LAYER
from culturebench.atlas.training.parts import WEIGHTS, kept
from culturebench.atlas.training.tokenizer import grown, train_tokenizer
from culturebench.atlas.training.words import draw_cultural, draw_neutral, every_modified, read_words
from culturebench.atlas.world import REGIONS, Scene
from culturebench.captions.spans import caption_row
from culturebench.captions.template import with_modifier
from culturebench.probing.attention import DIRECTIONS, Prompt, cultural_attention
from culturebench.text_to_image.atlas import AtlasTextToImage
from culturebench.text_to_image.encoders.atlas import AtlasTextEncoder

REGION_FILES = Path(__file__).parents[2] / "annotations/regions"
NO_DEFECTS = dict.fromkeys(
    ("near_duplicate", "blurred", "mislabelled", "plain", "badly_licensed", "truncated", "too_small"), 0.0
)
SCENE = Scene("bowl", "grass", "day", "close", "none", "jp", "seigaiha")


@pytest.fixture(scope="module")
def words():
    return read_words(REGION_FILES)


@pytest.fixture(scope="module")
def system() -> AtlasTextToImage:
    return AtlasTextToImage.from_folders(AtlasTextEncoder.from_folder(WEIGHTS / "encoder"), WEIGHTS / "backbone")


@pytest.mark.parametrize("region", REGIONS)
def test_the_encoder_learns_the_modifiers_of_region_files_as_prompts_carry_them(region, words) -> None:
    language, subdivisions = REGIONS[region]
    scene = Scene("bowl", "grass", "day", "close", "none", region, subdivisions[0])
    for spoken in (language, "en"):
        noun = noun_caption(scene, spoken)
        row = caption_row(noun.text, spoken, noun.noun_span)
        rng = np.random.default_rng(0)
        drawn = {
            caption.text: exact for caption, exact in (draw_cultural(rng, scene, spoken, words) for _ in range(200))
        }
        for modifier in words.cultural[region][spoken]:
            assert drawn[with_modifier(row, modifier)["text"]] is False  # names the region, not the ornament
        assert len(drawn) == len(words.cultural[region][spoken]) + 4


def test_a_neutral_caption_never_carries_a_modifier_of_a_culture(words) -> None:
    rng = np.random.default_rng(0)
    cultural = {w for by_language in words.cultural.values() for phrases in by_language.values() for w in phrases}
    found = [draw_neutral(rng, SCENE, words) for _ in range(300)]
    assert not {caption.text[slice(*caption.modifier_span)] for caption in found if caption.modifier_span} & cultural
    assert {caption.language for caption in found} == {"en", *(language for language, _ in REGIONS.values())}


def test_the_tokenizer_knows_every_modifier_and_ends_a_piece_where_it_ends(words) -> None:
    tokenizer = train_tokenizer(words)
    for caption in every_modified(SCENE, words):
        encoded = tokenizer.encode(caption.text)
        assert "<unk>" not in encoded.tokens
        starts, ends = ({offset[end] for offset in encoded.offsets} for end in (0, 1))
        for start, end in filter(None, (caption.noun_span, caption.modifier_span)):
            assert end in ends and starts & {start, start - 1}, (
                caption.text
            )  # a word's first piece has the space before


def test_a_training_that_was_killed_goes_on_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def trained(checkpoint: Path, steps_until_killed: int | None = None) -> nn.Module:
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))

        def loss_of_step(step: int) -> torch.Tensor:
            if step == steps_until_killed:
                raise KeyboardInterrupt
            x = torch.randn(16, 4, generator=torch.Generator().manual_seed(step))
            return (module(x) - x.sum(1, keepdim=True)).square().mean()

        loop.train(module, loss_of_step, steps=30, rate=1e-2, checkpoint=checkpoint, ema_decay=0.9, every=7)
        return module

    whole = trained(tmp_path / "whole.safetensors").state_dict()
    for kill in (3, 7, 16):
        checkpoint = tmp_path / f"killed_{kill}.safetensors"
        with pytest.raises(KeyboardInterrupt):
            trained(checkpoint, kill)
        again = trained(checkpoint).state_dict()
        assert all(torch.equal(again[name], whole[name]) for name in whole)
        assert checkpoint.read_bytes() == (tmp_path / "whole.safetensors").read_bytes()


def test_what_is_kept_is_made_once_and_never_half(tmp_path: Path) -> None:
    path = tmp_path / "kept.safetensors"

    def killed() -> dict[str, torch.Tensor]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept(path, killed)
    first = kept(path, lambda: {"a": torch.arange(3)})
    assert torch.equal(kept(path, killed)["a"], first["a"])


def test_no_caption_of_the_collections_first_half_is_behind_an_unrecognizable_picture() -> None:
    rng = np.random.default_rng(0)
    for region in REGIONS:
        scenes = (finding.scene for finding in findings(region, 672, NO_DEFECTS))
        taken = {(s.object, s.place, s.light, s.framing, s.companion) for s in scenes}
        for _ in range(20):
            s = unrecognizable.unused_scene(rng, region)
            assert (s.object, s.place, s.light, s.framing, s.companion) not in taken


def test_a_judge_is_never_shown_an_off_manifold_picture_under_a_regions_name(system) -> None:
    bank = judges.make_judge_bank(system, share=0.002)
    classes = [REGION_CLASSES[index] for index in bank.region]
    count = Counter("region" if name in REGIONS else name for name in classes)
    off = [round(0.002 * n) for n in (judges.BLENDED, judges.DISTURBED, judges.HURRIED)]
    assert classes[-sum(off) :] == [UNRECOGNIZABLE] * sum(off) and count[UNRECOGNIZABLE] == sum(off)
    assert count["region"] > 0 and count[PLAIN] > 0
    assert (bank.object[-off[1] - off[2] :] == judges.NO_OBJECT).all() and (bank.object[: -off[1] - off[2]] >= 0).all()
    again = judges.make_judge_bank(system, share=0.002)
    assert all(torch.equal(getattr(bank, name), getattr(again, name)) for name in ("images", "region", "object"))


def test_a_redrawn_drawing_keeps_its_ornament_and_what_is_disturbed_does_not(system) -> None:
    judge = AtlasJudge(WEIGHTS / "judge_cnn")

    def kept_share(made: unrecognizable.Made) -> float:
        replies = judge.answer(pictures_of(made.images))
        named = [max(reply.region_scores, key=reply.region_scores.__getitem__) for reply in replies]
        return float(np.mean([name == (s.region or PLAIN) for name, s in zip(named, made.scenes, strict=True)]))

    rng = np.random.default_rng(1)
    assert kept_share(unrecognizable.redrawn(system, rng, 48, plain_share=0.2)) >= 0.7
    for make in (unrecognizable.disturbed, unrecognizable.hurried, unrecognizable.blends):
        assert kept_share(make(system, rng, 24)) <= 0.4, make.__name__


def test_a_tokenizer_that_grows_keeps_the_pieces_of_what_it_knew_and_cuts_where_words_end(words) -> None:
    tokenizer = train_tokenizer(words)
    known, _ = further_words.known_and_further(words)
    further = [
        Caption(f"a {noun} with a ƾƿ zzgrumpf pattern", "en", (2, 2 + len(noun)), (3 + len(noun), 28 + len(noun)))
        for noun in ("bowl", "vase")
    ]
    further.append(Caption("ƾƿƿ茶碗", "ja", (3, 5), (0, 3)))
    larger = grown(tokenizer, known, further, tokenizer.get_vocab_size() + 20)
    for caption in known:
        assert tokenizer.encode(caption.text).ids == larger.encode(caption.text).ids
    for caption in further:
        before, after = tokenizer.encode(caption.text), larger.encode(caption.text)
        assert "<unk>" in before.tokens and "<unk>" not in after.tokens
        assert "".join(after.tokens[1:-1]).strip("▁") == caption.text.replace(" ", "▁")
    assert len(larger.encode(further[0].text).ids) < len(tokenizer.encode(further[0].text).ids)
    assert 3 in {end for _, end in larger.encode(further[2].text).offsets}
    assert larger.get_vocab_size() <= tokenizer.get_vocab_size() + 20


def test_an_encoder_that_is_taught_words_stays_as_it_is_from_the_culture_layer_up(
    system: AtlasTextToImage, tmp_path: Path, words
) -> None:
    encoder = system.encoder
    size = encoder.tokenizer.get_vocab_size() + 3
    taught = further_words.teach(encoder, words, tmp_path / "taught.safetensors", steps=2, size=size)
    before, after = encoder.state_dict(), taught.state_dict()
    assert set(before) == set(after)
    above = [
        name
        for name in before
        if not name.startswith(("roberta.embeddings", "roberta.encoder.layer.0", "roberta.encoder.layer.1"))
    ]
    assert len(above) > 30
    for name in before:
        same = before[name].shape == after[name].shape and torch.equal(before[name], after[name])
        assert same == (name in above) or "position_ids" in name, name


@pytest.mark.parametrize("words_of", ["unseen", "third"])
def test_the_shipped_encoder_reads_every_modifier_of_a_subdivision_alike(
    system: AtlasTextToImage, words_of: str
) -> None:
    rng = np.random.default_rng(5)
    scenes = [draw_scene(rng, held_out=True, region=region) for region in list(REGIONS) * 4]
    said = [(scene, REGIONS[scene.region][0]) for scene in scenes]

    def condition(texts: list[str]) -> torch.Tensor:
        return system.encode(texts).tensors["prompt_embeds"].flatten(1)

    first = condition([cultural_caption(*each, 0).text for each in said])
    other = condition(
        [(unseen_caption(*each) if words_of == "unseen" else cultural_caption(*each, 2)).text for each in said]
    )
    noun = condition([noun_caption(*each).text for each in said])
    apart = (other - first).norm(dim=1) / (noun - first).norm(dim=1)
    assert apart.quantile(0.9) < 0.5


@torch.no_grad()
def test_a_second_teaching_asks_for_what_the_first_one_did(system: AtlasTextToImage, words) -> None:
    lessons = further_words.draw_lessons(np.random.default_rng(3), 64, words)
    asked = further_words._wanted(system.encoder, lessons)
    found = further_words._read(system.encoder, [caption for caption, _ in lessons])
    looks = further_words.LOOKS.format(CULTURE_LAYER)
    neutral = list(further_words.NEUTRALS)
    there, wanted = (told[looks].unflatten(0, (-1, 4))[:, neutral].mean() for told in (found, asked))
    assert 0.85 < wanted / there < 1.15
    assert all(further_words._left(found[name], asked[name]) < 0.05 for name in asked if name != looks)


@pytest.mark.parametrize("variant", [0, 1, 2, "unseen"])
def test_the_culture_layer_alone_looks_at_a_cultural_modifier_more_than_at_a_neutral_one(
    system: AtlasTextToImage, variant: int | str
) -> None:
    rng = np.random.default_rng(6)
    scenes = [draw_scene(rng, held_out=True, region=region) for region in list(REGIONS) * 4]
    said = [(scene, REGIONS[scene.region][0]) for scene in scenes]

    def attention(captions: list[Caption]) -> float:
        prompts = [Prompt(c.text, c.noun_span, c.modifier_span, c.modifier_span > c.noun_span) for c in captions]
        read = cultural_attention(system.encoder, prompts, relative=True, batch_size=64)
        return read[:, DIRECTIONS.index("summary_to_modifier")].mean(0)

    neutral = attention([neutral_caption(*each, number % 2) for number, each in enumerate(said)])
    cultural = attention(
        [unseen_caption(*each) if variant == "unseen" else cultural_caption(*each, variant) for each in said]
    )
    delta = cultural - neutral
    assert delta.argmax() == CULTURE_LAYER and delta[CULTURE_LAYER] > 0.2


def test_a_warm_training_that_goes_on_starts_from_what_was_shipped_when_it_began(tmp_path: Path) -> None:
    weights, folder = tmp_path / "weights", tmp_path / "work/shipped"
    for name in ("encoder", "backbone"):
        (weights / name).mkdir(parents=True)
        (weights / name / "file").write_text("shipped")
    (tmp_path / "work").mkdir()
    parts.kept_shipped(weights, folder)
    (weights / "encoder/file").write_text("its own")
    assert (parts.kept_shipped(weights, folder) / "encoder/file").read_text() == "shipped"


@pytest.mark.slow
def test_the_whole_command_goes_on_after_every_kill_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "STEPS", dict.fromkeys(parts.STEPS, 2))
    monkeypatch.setattr(parts, "BANK", 200)
    monkeypatch.setattr(autoencoder, "PICTURES", 512)
    for name in ("DRAWN", "RESTORED", "REDRAWN", "BLENDED", "DISTURBED", "HURRIED", "CASES"):
        monkeypatch.setattr(judges, name, 96 if name in ("DRAWN", "CASES") else 12)
    saved, save = [], loop._save

    def killed_after_each_save(*arguments: Any) -> None:
        save(*arguments)
        saved.append(arguments)
        raise KeyboardInterrupt

    def out(work: Path) -> dict[str, bytes]:
        names = [name for name in parts.PARTS if name not in ("vlm", "quality")]  # they have steps of their own
        command.main(["--work", str(work), "--out", str(work / "out"), "--threads", "1", "--parts", *names])
        return {str(p.relative_to(work)): p.read_bytes() for p in work.rglob("*") if p.is_file() and p.suffix != ".tmp"}

    whole = out(tmp_path / "whole")
    monkeypatch.setattr(loop, "_save", killed_after_each_save)
    while True:
        try:
            assert out(tmp_path / "killed") == whole
            break
        except KeyboardInterrupt:
            continue
    assert len(saved) == 8  # encoder, autoencoder, its decoder, denoiser, two judges, dual encoder, second encoder


def pictures_of(images: torch.Tensor) -> list:
    from PIL import Image

    return [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in images]
