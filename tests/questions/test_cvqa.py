"""Questions in CVQA's published layout: every row becomes a question or leaves with a reason."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from culturebench.params.questions import PublishedQuestions
from culturebench.questions.cvqa import part_of, published
from culturebench.questions.made import QuestionsError

HOW = PublishedQuestions(kind="cvqa", pin="cvqa", min_questions=3)
pa: Any = pyarrow
pq: Any = pyarrow.parquet
PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
TEXTS = pa.list_(pa.string())
#: The types of the dataset's card.
SCHEMA = pa.schema(
    [
        ("image", PICTURE), ("ID", pa.string()), ("Subset", pa.string()), ("Question", pa.string()),
        ("Translated Question", pa.string()), ("Options", TEXTS), ("Translated Options", TEXTS),
        ("Label", pa.int64()), ("Category", pa.string()), ("Image Type", pa.string()),
        ("Image Source", pa.string()), ("License", pa.string()),
    ]
)  # fmt: skip
#: Change of a good row -> the reason for which it leaves.
HOSTILE: list[tuple[dict[str, Any], str]] = [
    ({"image": None}, "no_picture"),
    ({"image": {"bytes": b"", "path": "x.jpg"}}, "no_picture"),
    ({"image": {"bytes": b"\xff\xd8 no picture", "path": "x.jpg"}}, "unreadable_picture"),
    ({"Options": ["a", "b", "c", "d", "e"]}, "options"),
    ({"Translated Options": ["a", "b", "c"]}, "options"),
    ({"Options": ["a", "b", " ", "d"]}, "options"),
    ({"Label": 4}, "label"),
    ({"Label": -1}, "label"),
    ({"Label": None}, "label"),
    ({"Subset": "Japan"}, "subset"),
    ({"Question": ""}, "no_question"),
    ({"ID": None}, "no_id"),
    ({"License": "proprietary"}, "licence"),
    ({"ID": "0"}, "two_pictures_of_one_id"),
]


def jpeg(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (20, 30, 3), dtype=np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


def row(number: int, subset: str = "('Japanese', 'Japan')", **changes: Any) -> dict[str, Any]:
    return {
        "image": {"bytes": jpeg(number), "path": f"{number}.jpg"}, "ID": str(number), "Subset": subset,
        "Question": "何ですか", "Translated Question": "What is it?", "Options": ["一", "二", "三", "四"],
        "Translated Options": ["one", "two", "three", "four"], "Label": number % 4, "Category": "Food",
        "Image Type": "Self", "Image Source": "Self-open", "License": "CC BY-SA", **changes,
    }  # fmt: skip


def write(folder: Path, rows: list[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    half = len(rows) // 2
    for number, part in enumerate((rows[:half], rows[half:])):
        pq.write_table(pa.Table.from_pylist(part, schema=SCHEMA), folder / f"test-0000{number}-of-00002.parquet")
    return folder


GOOD = [row(i) for i in range(12)] + [
    row(12 + i, "('Tamil', 'India')" if i % 2 else "('Hindi', 'India')") for i in range(12)
]


def test_every_row_that_cannot_be_asked_leaves_with_its_reason_and_the_others_stay(tmp_path: Path) -> None:
    bad = [row(100 + i, **changes) for i, (changes, _) in enumerate(HOSTILE)]
    again = row(3)
    how = HOW.model_copy(update={"licences": ["CC BY-SA"]})
    made = published(how, write(tmp_path, [*GOOD, *bad, again]))
    found = [(one["row"], one["reason"]) for one in made.dropped]
    reasons = [(24 + i, reason) for i, (_, reason) in enumerate(HOSTILE)]
    assert found == [*reasons, (24 + len(HOSTILE), "twice")]
    kept = [one for rows in made.questions.values() for one in rows]
    assert sorted(int(one["question_id"]) for one in kept) == list(range(24))


def test_countries_are_cultures_and_no_picture_is_in_both_parts(tmp_path: Path) -> None:
    shared = [row(200 + i, image=GOOD[i]["image"]) for i in range(6)]  # a second question about six pictures
    made = published(HOW, write(tmp_path, [*GOOD, *shared]))
    every = [one for rows in made.questions.values() for one in rows]
    assert Counter(one["culture"] for one in every) == {"Japan": 18, "India": 12}
    assert {one["language"] for one in every} == {"Japanese", "Tamil", "Hindi"}
    assert not made.pictures["detect"].keys() & made.pictures["test"].keys()
    for part, rows in made.questions.items():
        assert {one["picture_id"] for one in rows} == made.pictures[part].keys()
        assert {part_of(one["picture_id"], HOW) for one in rows} == {part}


def test_only_the_named_cultures_stay(tmp_path: Path) -> None:
    rows = [*GOOD, *[row(300 + i, "('Dutch', 'Netherlands')") for i in range(4)]]
    made = published(HOW.model_copy(update={"cultures": ["Japan", "India"]}), write(tmp_path, rows))
    assert [one["reason"] for one in made.dropped] == ["other_culture"] * 4


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row(i) for i in range(8)], "two are needed"),
        ([row(i, Label=9) for i in range(8)], "rows left out: 8, label"),
    ],
)
def test_too_few_cultures_are_refused(tmp_path: Path, rows: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(QuestionsError, match=said):
        published(HOW, write(tmp_path, rows))


def test_a_folder_without_files_or_of_another_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QuestionsError, match=r"no \.parquet file"):
        published(HOW, tmp_path)
    pq.write_table(pa.table({"ID": ["1"]}), tmp_path / "a.parquet")
    with pytest.raises(QuestionsError, match="lacks the columns image, Subset"):
        published(HOW, tmp_path)
    (tmp_path / "a.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(QuestionsError, match="cannot be read"):
        published(HOW, tmp_path)
