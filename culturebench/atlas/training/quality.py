"""Measuring the trained atlas on held-out contexts, for the model card."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from culturebench.atlas.captions import cultural_caption, noun_caption
from culturebench.atlas.judges import AtlasJudge, JudgeReply
from culturebench.atlas.pictures import render
from culturebench.atlas.training.cases import draw_scene, plain
from culturebench.atlas.world import REGIONS, Scene
from culturebench.text_to_image.atlas import AtlasTextToImage

PER_REGION = 20
BATCH = 68


def held_out_scenes(seed: int) -> list[Scene]:
    """`PER_REGION` scenes a region, in contexts that no model trained on."""
    rng = np.random.default_rng([9, seed])
    return [draw_scene(rng, held_out=True, region=region) for region in REGIONS for _ in range(PER_REGION)]


def measure(system: AtlasTextToImage, judges: dict[str, AtlasJudge]) -> dict[str, Any]:
    """Shares over >= 300 pictures per row: the right region, plain, and the right object, by judge."""
    scenes = held_out_scenes(0)
    drawn = [render(scene, 256) for scene in scenes]
    undecorated = [render(plain(scene), 256) for scene in scenes]
    cultural = _generate(system, [cultural_caption(s, REGIONS[s.region][0]).text for s in scenes])
    noun = _generate(system, [noun_caption(s, REGIONS[s.region][0]).text for s in scenes])
    english = _generate(system, [noun_caption(s, "en").text for s in scenes])
    rows: dict[str, Any] = {"pictures": len(scenes)}
    for name, judge in judges.items():
        rows[name] = {
            "drawn, cultural": _shares(judge.answer(drawn), scenes),
            "drawn, plain": _shares(judge.answer(undecorated), scenes),
            "cultural prompt": _shares(judge.answer(cultural), scenes),
            "noun prompt": _shares(judge.answer(noun), scenes),
            "English noun prompt": _shares(judge.answer(english), scenes),
        }
    return rows


def _generate(system: AtlasTextToImage, prompts: list[str]) -> list[Image.Image]:
    pictures: list[Image.Image] = []
    for start in range(0, len(prompts), BATCH):
        chunk = prompts[start : start + BATCH]
        pictures += system.generate(system.encode(chunk), list(range(start, start + len(chunk))))
    return pictures


def _shares(replies: list[JudgeReply], scenes: list[Scene]) -> dict[str, float]:
    answers = [max(reply.region_scores, key=reply.region_scores.__getitem__) for reply in replies]
    objects = [reply.object == scene.object for reply, scene in zip(replies, scenes, strict=True)]
    return {
        "right region": _share([a == scene.region for a, scene in zip(answers, scenes, strict=True)]),
        "plain": _share([answer == "plain" for answer in answers]),
        "right object": _share(objects),
    }


def _share(holds: list[bool]) -> float:
    return round(float(np.mean(holds)), 4)


def table(rows: dict[str, Any]) -> str:
    """The figures as a Markdown table, both judges side by side."""
    judges = [name for name in rows if name != "pictures"]
    lines = ["| pictures of | " + " | ".join(f"{name}: region / plain / object" for name in judges) + " |"]
    lines.append("|---|" + "---|" * len(judges))
    for row in rows[judges[0]]:
        cells = [" / ".join(f"{100 * share:.1f}%" for share in rows[name][row].values()) for name in judges]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
