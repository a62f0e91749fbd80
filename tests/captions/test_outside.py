"""Captions from outside of the benchmark: three formats, and files that are hostile until they were checked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from culturebench.captions.outside import OutsideError, Place, read_outside

PLACES = {
    "jp": Place(frozenset({"jp", "japan"}), frozenset({"JP"}), "ja"),
    "arab": Place(frozenset({"arab", "arab world"}), frozenset({"EG", "MA"}), "ar"),
    "tr": Place(frozenset({"tr", "türkiye", "turkey"}), frozenset({"TR"}), "tr"),
}
CUBE = [
    {"prompt": "A photo of ramen from Japan", "country": "Japan", "domain": "cuisine", "name": "ramen", "id": 7},
    {"prompt": "A photo of lokum from Turkey", "country": "Turkey", "domain": "cuisine", "name": "lokum"},
]


def read(name: str, text: str) -> list[dict[str, Any]]:
    return read_outside(name, text.encode(), PLACES)


def test_cubes_list_of_objects_is_read_as_english() -> None:
    rows = read("cube.json", json.dumps(CUBE))
    assert [
        (row["region"], row["noun"]["language"], {"domain": row["domain"], "name": row["name"]}) for row in rows
    ] == [
        ("jp", "en", {"name": "ramen", "domain": "cuisine"}),
        ("tr", "en", {"name": "lokum", "domain": "cuisine"}),
    ]
    assert rows[0]["noun"]["text"] == "A photo of ramen from Japan"
    assert all(row["noun_en"] == row["noun"] and row["cultural"] is None for row in rows)


def test_the_three_formats_give_the_same_rows() -> None:
    lines = "\n".join(json.dumps({**entry, "language": "en"}) for entry in CUBE)
    table = "prompt,country,domain,name,language\n" + "".join(
        f"{entry['prompt']},{entry['country']},{entry['domain']},{entry['name']},en\n" for entry in CUBE
    )
    assert read("a.jsonl", lines) == read("a.csv", table) == read("a.json", json.dumps(CUBE))


@pytest.mark.parametrize(
    ("country", "region"),
    [("JP", "jp"), ("jp", "jp"), (" Japan ", "jp"), ("Egypt", "arab"), ("ma", "arab"), ("Arab World", "arab")],
)
def test_a_country_is_a_regions_code_its_name_or_one_of_its_iso_countries(country: str, region: str) -> None:
    (row,) = read("a.csv", f"country,prompt\n{country},傘\n")
    assert row["region"] == region
    assert row["noun"]["language"] == PLACES[region].language


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Atlantis,a boat", r"a.csv:2: `country` 'Atlantis' is none of the run's regions; allowed: jp \(japan\), arab"),
        (",a boat", "`country` '' is none of the run's regions"),
        ("jp,", "`prompt` is ''; it needs words"),
        ("jp,   ", "`prompt` is ''; it needs words"),
        ("jp,123 !", "it needs words"),
        (f"jp,{'a' * 601}", "`prompt` has 601 characters; at most 600"),
        ("jp,a\x07bell", "`prompt` holds a control character"),
        ("jp,a boat,more", "3 cells, the header has 2"),
        ('jp,"a boat', "not valid CSV"),
    ],
)
def test_a_bad_line_is_one_error_that_names_it(line: str, said: str) -> None:
    with pytest.raises(OutsideError, match=said) as error:
        read("a.csv", f"country,prompt\n{line}\n")
    assert len(str(error.value).splitlines()) == 1


def test_every_bad_line_is_named_at_once_up_to_twenty() -> None:
    with pytest.raises(OutsideError) as error:
        read("a.csv", "country,prompt\n" + "jp,傘\n" * 30)
    lines = str(error.value).splitlines()
    assert lines[0] == "a.csv:3: the same prompt and region stand at 2 already"
    assert (len(lines), lines[-1]) == (21, "and 9 more")


def test_one_prompt_may_stand_for_two_regions_and_white_space_makes_no_other_prompt() -> None:
    assert len(read("a.csv", "country,prompt\njp,umbrella\ntr,umbrella\n")) == 2
    with pytest.raises(OutsideError, match="the same prompt"):
        read("a.csv", "country,prompt\njp,an umbrella\njp,an  umbrella\n")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", b"country,prompt\njp,\xff\n", "a.csv:2: not UTF-8"),
        ("a.txt", b"", "must end in .csv, .jsonl or .json"),
        ("a.csv", b"", "no captions"),
        ("a.csv", b"land,text\n", "the header must name once each: prompt, country; got: land, text"),
        ("a.csv", b"prompt,prompt,country\n", "the header must name once each: prompt"),
        ("a.json", b'{"prompt": "x"}', "holds dict; a list of objects"),
        ("a.json", b"[", "a.json: not valid JSON"),
        ("a.json", b"[" * 100_000, "a.json: not valid JSON"),
        ("a.json", b'["x"]', "a.json:1: str instead of an object"),
        ("a.json", b'[{"prompt": ["x"], "country": "jp"}]', "`prompt` must be a text"),
        ("a.json", b'[{"prompt": "\\ud800x", "country": "jp"}]', "half a surrogate pair"),
        ("a.jsonl", b'{"prompt": "x", "country": "jp", "language": "tlh-x"}', "is no ISO 639 code, such as ja"),
        ("a.jsonl", b"{]", "a.jsonl:1: not a line of JSON"),
        ("a.jsonl", b" " * 10_000_001, "at most 10000000 are read"),
    ],
)
def test_a_file_of_another_shape_is_refused(name: str, data: bytes, said: str) -> None:
    with pytest.raises(OutsideError, match=said):
        read_outside(name, data, PLACES)
