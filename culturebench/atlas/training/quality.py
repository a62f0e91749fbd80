"""Measuring the trained atlas on held-out contexts, for the model card."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image

from culturebench.atlas.captions import cultural_caption, noun_caption, unseen_caption
from culturebench.atlas.judges import PLAIN, UNRECOGNIZABLE, AtlasJudge, JudgeReply, no_region
from culturebench.atlas.pictures import render
from culturebench.atlas.training.cases import draw_scene, plain
from culturebench.atlas.training.encoder import WIDTH, exchanged
from culturebench.atlas.training.words import Words, beside
from culturebench.atlas.world import REGIONS, Scene
from culturebench.text_to_image.atlas import AtlasTextToImage
from culturebench.text_to_image.base import Conditioning

#: The conditioning of some of the prompts, edited at the culture layer.
Edited = Callable[[AtlasTextToImage, slice], Conditioning]

PER_REGION = 20
TURNED_UP = 1.5
BATCH = 68


def held_out_scenes(seed: int) -> list[Scene]:
    """`PER_REGION` scenes a region, in contexts that no model trained on."""
    rng = np.random.default_rng([9, seed])
    return [draw_scene(rng, held_out=True, region=region) for region in REGIONS for _ in range(PER_REGION)]


def measure(system: AtlasTextToImage, judges: dict[str, AtlasJudge], words: Words) -> dict[str, Any]:
    """Shares over >= 300 pictures per row: the right region, plain, no region's, and the right object, by judge."""
    scenes = held_out_scenes(0)
    own = [REGIONS[scene.region][0] for scene in scenes]
    rng = np.random.default_rng([10, 0])
    modifiers = [str(rng.choice(words.cultural[s.region][language])) for s, language in zip(scenes, own, strict=True)]
    pairs = list(zip(scenes, own, strict=True))
    prompts = {
        "cultural prompt": [cultural_caption(scene, language).text for scene, language in pairs],
        "unseen modifier": [unseen_caption(scene, language).text for scene, language in pairs],
        "region's modifier": [beside(*pair, word).text for pair, word in zip(pairs, modifiers, strict=True)],
        "noun prompt": [noun_caption(scene, language).text for scene, language in pairs],
        "English noun prompt": [noun_caption(scene, "en").text for scene in scenes],
    }
    pictures = {
        "drawn, cultural": [render(scene, 256) for scene in scenes],
        "drawn, plain": [render(plain(scene), 256) for scene in scenes],
        **{name: _generate(system, texts) for name, texts in prompts.items()},
        **{name: _generate(system, prompts["noun prompt"], edit) for name, edit in _edits(prompts).items()},
    }
    return {
        "pictures": len(scenes),
        **{
            name: {row: _shares(judge.answer(shown), scenes) for row, shown in pictures.items()}
            for name, judge in judges.items()
        },
    }


def _edits(prompts: dict[str, list[str]]) -> dict[str, Edited]:
    """What a noun prompt's object has to bear: the way to the cultural prompt's output and beyond, and noise."""

    def turned_up(system: AtlasTextToImage, chunk: slice) -> Conditioning:
        texts = [*prompts["noun prompt"][chunk], *prompts["cultural prompt"][chunk]]
        count = len(texts) // 2
        amount = torch.cat([torch.full((count,), TURNED_UP), torch.zeros(count)])
        with exchanged(system.encoder, torch.arange(count, 2 * count).repeat(2), amount):
            both = system.encoder.run(system.encoder.tokenize(texts))
        return Conditioning({name: tensor[:count] for name, tensor in both.items()})

    def disturbed(system: AtlasTextToImage, chunk: slice) -> Conditioning:
        texts = prompts["noun prompt"][chunk]
        directions = torch.from_numpy(np.random.default_rng([11, chunk.start]).normal(size=(len(texts), WIDTH))).float()
        unit = directions / directions.norm(dim=1, keepdim=True)
        with exchanged(system.encoder, torch.arange(len(texts)), torch.zeros(len(texts)), unit):
            return Conditioning(system.encoder.run(system.encoder.tokenize(texts)))

    return {f"noun prompt, {TURNED_UP:g} of the difference": turned_up, "noun prompt, disturbed": disturbed}


@torch.no_grad()
def _generate(system: AtlasTextToImage, prompts: list[str], edited: Edited | None = None) -> list[Image.Image]:
    pictures: list[Image.Image] = []
    for start in range(0, len(prompts), BATCH):
        chunk = slice(start, min(start + BATCH, len(prompts)))
        condition = edited(system, chunk) if edited else system.encode(prompts[chunk])
        pictures += system.generate(condition, list(range(chunk.start, chunk.stop)))
    return pictures


def _shares(replies: list[JudgeReply], scenes: list[Scene]) -> dict[str, float]:
    named = [_named(reply.region_scores) for reply in replies]
    return {
        "right region": _share([name == scene.region for name, scene in zip(named, scenes, strict=True)]),
        "plain": _share([name == PLAIN for name in named]),
        "unrecognizable": _share([name == UNRECOGNIZABLE for name in named]),
        "right object": _share([r.object == scene.object for r, scene in zip(replies, scenes, strict=True)]),
    }


def _named(scores: dict[str, float]) -> str:
    """The likeliest region, or why none is named when that is likelier."""
    best = max(REGIONS, key=scores.__getitem__)
    if scores[best] > no_region(scores):
        return best
    return PLAIN if scores[PLAIN] >= scores.get(UNRECOGNIZABLE, 0.0) else UNRECOGNIZABLE


def _share(holds: list[bool]) -> float:
    return round(float(np.mean(holds)), 4)


def table(rows: dict[str, Any]) -> str:
    """The figures as a Markdown table, both judges side by side."""
    judges = [name for name in rows if name != "pictures"]
    shares = " / ".join(name.removeprefix("right ") for name in next(iter(rows[judges[0]].values())))
    lines = ["| pictures of | " + " | ".join(f"{name}: {shares}" for name in judges) + " |"]
    lines.append("|---|" + "---|" * len(judges))
    for row in rows[judges[0]]:
        cells = [" / ".join(f"{100 * share:.1f}%" for share in rows[name][row].values()) for name in judges]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
