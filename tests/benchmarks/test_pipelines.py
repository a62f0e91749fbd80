"""The table of pipelines is of the installed library, and says of each what the code says."""

from __future__ import annotations

import re

import diffusers

import tiny_diffusers
from benchmarks.pipelines import COMPARED, PAGE, text_to_image, why_not

ROWS = {row[1]: row[2:] for row in re.findall(r"^(\| (\w+) \| ([^|]+) \| ([^|]*) \|)$", PAGE.read_text(), re.MULTILINE)}


def test_the_table_has_every_text_to_image_pipeline_of_the_installed_diffusers() -> None:
    assert f"with diffusers {diffusers.__version__}," in PAGE.read_text(encoding="utf-8")
    assert list(ROWS) == list(text_to_image())


def test_what_is_refused_there_is_refused_by_the_code_and_nothing_else_is_said_of_untried_ones() -> None:
    tried = tiny_diffusers.RECIPES.keys() | COMPARED.keys()
    for name, kind in text_to_image().items():
        state, more = (part.strip() for part in ROWS[name])
        reason = why_not(kind)
        if reason:
            assert (state, more) == ("refused", reason)
        else:
            assert (state == "not tried") is (name not in tried), name
            assert state in ("whole", "without an enhancer", "refused", "fails", "not tried")


def test_the_pipelines_that_were_found_faulty_are_whole_now() -> None:
    for name in (
        "SanaPipeline", "PixArtSigmaPipeline", "PixArtAlphaPipeline", "QwenImagePipeline", "ZImagePipeline",
        "Flux2KleinPipeline",
    ):  # fmt: skip
        assert ROWS[name][0].strip() == "whole"
