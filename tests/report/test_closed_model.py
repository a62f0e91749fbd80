"""The chapter of a model whose text encoders are out of reach, before one whose are not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from culturebench.artifacts import answers, backbone_attention, comparison, measured, pictures, strength
from culturebench.params.models import Models

PLAIN = ("noun", "noun_en", "cultural")
SENTENCE = "the text encoders of the adapter show_o2 are out of reach"


def copied(root: Path, table: Any, template: str, condition: str, **identity: str) -> None:
    """The atlas's rows as the worker's; none of a condition that it cannot make."""
    path = str(root / template)
    rows = table.load(Path(path.format(model="atlas", condition=condition, **identity)))
    target = Path(path.format(model="worker", condition=condition, **identity))
    table.save(target, rows if condition in PLAIN else [])


@pytest.fixture(scope="module")
def html(make_run: Callable[..., Any]) -> str:
    run = make_run(["jp", "nl"], prompts=2, seeds=1)
    for name in run.params.conditions.all:
        copied(run.root, pictures.TABLE, pictures.TEST_PATH, name)
        copied(run.root, measured.TABLE, measured.PATH, name)
        for judge in run.params.judges.root:
            copied(run.root, answers.TABLE, answers.FOLDER + "/test.parquet", name, judge=judge)
    pictures.ONE_PROMPT.save(run.root / pictures.ONE_PROMPT_PATH.format(model="worker"), [])
    strength.save(run.root / strength.PATH.format(model="worker"), {"closed": "so"})
    backbone_attention.save_closed(run.root / backbone_attention.PATH.format(model="worker"), "so")
    nothing = {"judge": "j", "regions": [], "prompts": 0, "seeds": [], "unmasked": None, "selectors": {}, "matrix": []}
    comparison.save(run.root / comparison.PATH.format(model="worker"), nothing)
    run.write_english("worker")
    atlas = run.params.models.root["atlas"]
    worker = {"adapter": "show_o2", "towers": [], "pin": "atlas_backbone", "command": ["x"]}
    models = Models.model_validate({"worker": worker, "atlas": atlas.model_dump()})
    run.params = replace(run.params, models=models)
    run.evaluate()
    return run.report().read_text(encoding="utf-8")


def test_one_sentence_stands_for_all_that_there_is_not(html: str) -> None:
    assert html.count(SENTENCE) == 1
    chapter = html[html.index("<h2>worker</h2>") : html.index("<h2>atlas</h2>")]
    assert SENTENCE in chapter
    heads = re.findall(r"<h2>(.*?)</h2>", chapter)
    assert "Tables" in heads and "By region" in heads
    assert not {"Which neurons carry it", "How strong to push", "Would another rule find better neurons?"} & set(heads)
    bodies = re.findall(r"<tbody>(.*?)</tbody>", chapter, re.S)
    assert bodies and all(body.strip() for body in bodies)


def test_every_link_of_the_page_leads_to_one_place(html: str) -> None:
    links, places = re.findall(r'href="#(\w+)"', html), re.findall(r'id="(\w+)"', html)
    assert len(set(links)) == len(links)
    assert all(places.count(link) == 1 for link in links)
