"""Measuring the trained atlas on held-out contexts, for the model card."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from culturebench.atlas.captions import cultural_caption, noun_caption, unseen_caption
from culturebench.atlas.judges import PLAIN, UNRECOGNIZABLE, AtlasJudge, JudgeReply, no_region
from culturebench.atlas.pictures import render
from culturebench.atlas.training.cases import draw_scene, plain
from culturebench.atlas.training.words import Words, beside
from culturebench.atlas.world import REGIONS, Scene
from culturebench.text_to_image.atlas import AtlasTextToImage

PER_REGION = 20
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
    }
    return {
        "pictures": len(scenes),
        **{
            name: {row: _shares(judge.answer(shown), scenes) for row, shown in pictures.items()}
            for name, judge in judges.items()
        },
    }


def _generate(system: AtlasTextToImage, prompts: list[str]) -> list[Image.Image]:
    pictures: list[Image.Image] = []
    for start in range(0, len(prompts), BATCH):
        chunk = prompts[start : start + BATCH]
        pictures += system.generate(system.encode(chunk), list(range(start, start + len(chunk))))
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
