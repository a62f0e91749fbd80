"""A manifest is read as people write it; a wrong one gives one error with its line."""

from __future__ import annotations

import json

import pytest

from culturebench.captions.spans import caption_row
from culturebench.sources.base import SourceError
from culturebench.sources.manifest import read_manifest

GOOD = (
    "file,region,licence,author,source URL,noun,noun:noun,cultural\nä.jpg,jp,CC0,Ann,https://x.example/1,赤い鉢,鉢,\n"
)


def error(name: str, data: str | bytes) -> str:
    with pytest.raises(SourceError) as caught:
        read_manifest(name, data.encode() if isinstance(data, str) else data)
    return str(caught.value)


def test_csv_and_json_lines_say_the_same():
    (one,) = read_manifest("m.csv", ("\ufeff" + GOOD).encode())
    row = {
        "file": "ä.jpg", "region": "jp", "license": "CC0", "author": "Ann", "source_url": "https://x.example/1",
        "noun": {"text": "赤い鉢", "noun": "鉢"},
    }  # fmt: skip
    (other,) = read_manifest("m.jsonl", ("\n" + json.dumps(row)).encode())
    assert (one.file, one.region, one.licence, one.author, one.source_url) == (
        "ä.jpg", "jp", "CC0", "Ann", "https://x.example/1",
    )  # fmt: skip
    assert dict(one.captions) == dict(other.captions) == {"noun": caption_row("赤い鉢", "", (2, 3))}
    assert (one.line, other.line) == (2, 2)


@pytest.mark.parametrize(
    ("data", "place", "says"),
    [
        ("", "m.csv:1", "empty"),
        ("picture,region\n", "m.csv:1", "no column `file`"),
        ("file,file\n", "m.csv:1", "twice"),
        ("file,region\na.jpg\n", "m.csv:2", "1 cells"),
        ("file,region\n\na.jpg,jp\n,jp\n", "m.csv:4", "empty"),
        ('file,region\n"a.jpg,jp\n', "m.csv:2", "CSV"),
        ("file,region\na.jpg,jp\nb.jpg,jp\na.jpg,jp\n", "m.csv:4", "line 2"),
        ("file,noun,noun:noun\na.jpg,a bowl,cup\n", "m.csv:2", "occurs 0 times"),
        ("file,noun,noun:noun\na.jpg,a bowl,0-99\n", "m.csv:2", "does not lie within"),
        ('file,author\n"a\nb.jpg",x\nc.jpg\n', "m.csv:4", "1 cells"),
    ],
)
def test_a_wrong_csv_is_named_by_its_line(data: str, place: str, says: str):
    message = error("m.csv", data)
    assert message.startswith(place) and says in message


@pytest.mark.parametrize(
    ("data", "place", "says"),
    [
        ('{"file": "a"}\n{"file": \n', "m.jsonl:2", "JSON"),
        ("[1]\n", "m.jsonl:1", "object"),
        ('{"file": 3}\n', "m.jsonl:1", "text"),
        ('{"file": "a", "noun": {"text": "x", "nuon": [0, 1]}}\n', "m.jsonl:1", "unknown key nuon"),
        ('{"file": "a\\ud800"}\n', "m.jsonl:1", "surrogates"),
        ("[" * 100_000 + "\n", "m.jsonl:1", "JSON"),
    ],
)
def test_a_wrong_json_line_is_named_by_its_line(data: str, place: str, says: str):
    message = error("m.jsonl", data)
    assert message.startswith(place) and says in message


def test_a_manifest_in_another_encoding_is_refused_with_its_line():
    assert error("m.csv", "file\na.jpg\n\u00e4.jpg\n".encode("latin-1")).startswith("m.csv:3")


@pytest.mark.parametrize(
    ("cells", "text", "span"),
    [
        ("a red [bowl],", "a red bowl", (6, 10)),
        ("rice bowl,*", "rice bowl", (0, 9)),
        ("a red bowl,bowl", "a red bowl", (6, 10)),
        ("a red bowl,6-10", "a red bowl", (6, 10)),
        ("a [red] bowl,bowl", "a [red] bowl", (8, 12)),
        ("[a] red [bowl],", "[a] red [bowl]", None),
        ("a red bowl,", "a red bowl", None),
    ],
)
def test_a_noun_caption_marks_its_noun_in_brackets_or_in_a_column(cells: str, text: str, span: tuple[int, int] | None):
    for role in ("noun", "noun_en"):
        (entry,) = read_manifest("m.csv", f"file,{role},{role} span\na.jpg,{cells}\n".encode())
        assert entry.captions == {role: caption_row(text, "", span)}
    line = {"file": "a.jpg", "noun": {"text": "a red [bowl]"}}
    assert read_manifest("m.jsonl", json.dumps(line).encode())[0].captions["noun"] == caption_row(
        "a red bowl", "", (6, 10)
    )


def test_a_line_says_what_its_picture_shows_and_a_category_that_is_no_key_is_refused():
    (entry,) = read_manifest("m.csv", b"file,category\na.jpg, portrait \n")
    assert entry.category == "portrait"
    message = error("m.csv", "file,category\na.jpg,Wall painting\n")
    assert message.startswith("m.csv:2: `category` is 'Wall painting'; it is a key such as")
