"""Captions that experts audited on a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from culturebench.captions.human import read_human_captions
from culturebench.label_studio import region as work
from studio import Expert, Studio, choice, mark, tasks, text
from studio_tables import write_captioned, write_project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("label_studio")]


def test_captions_come_back_with_their_audit_their_spans_and_the_noun_caption(
    studio: Studio, experts: tuple[Expert, Expert], tmp_path: Path
):
    root = tmp_path / "project"
    right, bad, new, kept = write_project(root, 4)
    write_captioned(root, {right: "𠮷野の和風の家", bad: "芸者", new: "家"}, [kept])
    assert work.push(root, studio.server, studio.place, "jp", "captions").created == 3
    found = {name: numbers[0] for name, numbers in tasks(studio, "captions").items()}
    # A browser counts 𠮷 as two.
    experts[0].answer(
        found[right], choice("audit", "correct"), mark("noun", 7, 8, "家"), mark("modifier", 4, 7, "和風の"),
        text("noun", "丘の上の家"), text("noun_en", "a house on a hill"), text("noun_noun", "家"),
    )  # fmt: skip
    experts[0].answer(found[bad], choice("audit", "stereotype"))
    experts[1].answer(
        found[new], choice("audit", "edit"), text("new_cultural", "和風の  家"), text("new_cultural_noun", "家"),
        text("new_cultural_modifier", "和風の"), text("noun", "家"),
    )  # fmt: skip
    done = work.pull(root, studio.server, "jp", "captions")
    assert (done.lines, done.problems) == (3, ())
    path = root / "annotations/captions/jp.jsonl"
    captions = read_human_captions(path, "ja")
    cultural = captions[right].captions["cultural"]
    assert cultural["text"][cultural["noun_start"] : cultural["noun_end"]] == "家"
    assert cultural["text"][cultural["modifier_start"] : cultural["modifier_end"]] == "和風の"
    assert captions[right].captions["noun_en"]["text"] == "a house on a hill"
    assert captions[bad].rejected == "stereotype"
    assert captions[new].captions["cultural"]["text"] == "和風の 家"
    raw = path.read_bytes()
    assert work.pull(root, studio.server, "jp", "captions").changed == 0
    assert path.read_bytes() == raw
