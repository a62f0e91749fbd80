"""Questions about drawn pictures: the region, what is at home there, and neutrally how the object is shown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from culturebench.atlas.facts import NEUTRAL, VIEWS
from culturebench.atlas.pictures import render
from culturebench.atlas.training.cases import PICTURE_SIZE, draw_scene
from culturebench.atlas.world import REGIONS, Scene
from culturebench.png import to_png
from culturebench.questions.made import Made, Part, QuestionsError

if TYPE_CHECKING:
    from culturebench.artifacts.questions import QuestionRow
    from culturebench.params.questions import AtlasQuestions

LICENCE = "CC0-1.0"
OPTIONS = 4


def drawn(how: AtlasQuestions, weights: Path, regions: Sequence[str]) -> Made:
    """All questions about `how`'s numbers of pictures of every region; `QuestionsError` for one that is not taught.

    `weights`: the folder with `taught.json`, what the model was taught. Test pictures show contexts held out of
    training; every picture gets every question.
    """
    taught = json.loads((weights / "taught.json").read_text(encoding="utf-8"))
    if unknown := [code for code in regions if code not in taught["facts"]]:
        raise QuestionsError(
            f"the atlas's model was taught nothing of {', '.join(unknown)}; drop them from `regions`, or set "
            "`audits: {}` and `questions: {}`"
        )
    made = Made()
    parts: tuple[tuple[Part, int], ...] = (("detect", how.detect), ("test", how.test))
    for number, region in enumerate(regions):
        for place, (part, count) in enumerate(parts):
            rng = np.random.default_rng([how.seed, list(REGIONS).index(region), place, number])
            for _ in range(count):
                scene = draw_scene(rng, held_out=part == "test", region=region)
                image = to_png(render(scene, PICTURE_SIZE))
                for kind in taught["kinds"]:
                    made.add(part, _question(scene, kind, image, taught, rng), image)
    return made


def _question(scene: Scene, kind: str, image: bytes, taught: dict[str, Any], rng: np.random.Generator) -> QuestionRow:
    place = taught["kinds"].index(kind)
    facts: dict[str, list[str]] = taught["facts"]
    known = taught["views"] if kind == NEUTRAL else [words[place] for words in facts.values()]
    right = VIEWS[scene.light, scene.framing] if kind == NEUTRAL else facts[scene.region][place]
    wrong = rng.choice([word for word in known if word != right], OPTIONS - 1, replace=False)
    options = [str(word) for word in rng.permutation([right, *wrong])]
    picture = hashlib.sha256(image).hexdigest()
    language = REGIONS[scene.region][0]
    return {
        "question_id": f"{picture[:16]}-{kind}",
        "picture_id": picture,
        "culture": scene.region,
        "category": kind,
        "neutral": kind == NEUTRAL,
        "language": language,
        "text": taught["questions"][language][place],
        "english": taught["questions"]["en"][place],
        "options": options,
        "options_english": options,
        "right": options.index(right),
        "licence": LICENCE,
    }
