"""A caption from outside that the benchmark has is none: whatever its letters, its article or its other words."""

from __future__ import annotations

from typing import Any

import pytest

from culturebench.captions.overlap import CAPTIONS, normalised, said, stands_in
from culturebench.captions.spans import caption_row


def row(text: str, name: str = "") -> Any:
    return {"noun": caption_row(text, "de"), "name": name}


KNOWN = said([
    {
        **dict.fromkeys(CAPTIONS),
        "noun": caption_row("eine Teekanne auf Gras", "de", (5, 13)),
        "noun_en": caption_row("a teapot on grass", "en", (2, 8)),
        "cultural": caption_row("Straße im Fachwerkstil", "de"),
    },
    {**dict.fromkeys(CAPTIONS), "noun": caption_row("草の上の急須", "ja", (4, 6))},
])  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["Eine TEEKANNE, auf Gras.", "eine teekanne", "STRASSE im Fachwerkstil", "alte Teekanne", "\uff54eekanne", "急須"],
)
def test_captions_and_nouns_of_the_benchmark_are_known_again(text: str) -> None:
    assert stands_in(row(text), KNOWN)


@pytest.mark.parametrize("text", ["ein Regenschirm", "Teekannenwärmer", "Gras", "傘", "im"])
def test_other_things_and_single_words_of_captions_are_not(text: str) -> None:
    assert not stands_in(row(text), KNOWN)


def test_what_a_caption_is_said_to_speak_of_counts_as_well() -> None:
    assert stands_in(row("ein Ding", "teapot"), KNOWN) and not stands_in(row("ein Ding", "kettle"), KNOWN)


def test_signs_cases_and_widths_make_no_difference() -> None:
    assert normalised("  Die\u00a0Straße – „Ａ“, 2x! ") == "die strasse a 2x" == normalised("DIE STRASSE A 2x")
