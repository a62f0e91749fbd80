"""Questions in the layout in which CVQA is published: Parquet files, one row a question, pictures within them."""

from __future__ import annotations

import ast
import hashlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from culturebench.questions.made import Made, Part, QuestionsError, counts

if TYPE_CHECKING:
    from culturebench.artifacts.questions import QuestionRow
    from culturebench.params.questions import PublishedQuestions

#: As the dataset's card lists them; further ones are left alone.
COLUMNS = (
    *("image", "ID", "Subset", "Question", "Translated Question", "Options", "Translated Options"),
    *("Label", "Category", "License"),
)
OPTIONS = 4
ROWS_AT_ONCE = 32  # a picture has up to some megabytes
MAX_PIXELS = 100_000_000


class _Refused(Exception):
    """Why a row becomes no question: a reason, and the value."""

    def __init__(self, reason: str, told: object) -> None:
        super().__init__(reason)
        self.reason, self.told = reason, str(told)[:200]


def published(how: PublishedQuestions, folder: Path) -> Made:
    """The questions of the folder's files, divided by a hash of their pictures; each other row with a reason.

    Country-language pairs of one country are one culture. `QuestionsError` without files, without a column, or when
    fewer than two cultures have enough questions.
    """
    made = Made()
    pictures: dict[str, str] = {}
    for number, row in enumerate(_rows(folder)):
        try:
            question, image = _question(row, how)
            if (known := pictures.get(question["question_id"])) is not None:
                reason = "twice" if known == question["picture_id"] else "two_pictures_of_one_id"
                raise _Refused(reason, question["picture_id"])
            pictures[question["question_id"]] = question["picture_id"]
        except _Refused as refused:
            made.dropped.append(
                {
                    "row": number,
                    "question_id": str(row.get("ID") or ""),
                    "reason": refused.reason,
                    "told": refused.told,
                }
            )
            continue
        made.add(part_of(question["picture_id"], how), question, image)
    _few(made, how)
    return made


def part_of(picture: str, how: PublishedQuestions) -> Part:
    """Where a picture goes: all questions about it go together."""
    place = int(hashlib.sha256(f"{how.salt}/{picture}".encode()).hexdigest()[:12], 16) / 16**12
    return "detect" if place < how.detect else "test"


def _few(made: Made, how: PublishedQuestions) -> None:
    """Cultures with too few questions leave; two have to stay."""
    enough = [counts(rows) for rows in made.questions.values()]
    cultures = {name for name in enough[0] if min(part.get(name, 0) for part in enough) >= how.min_questions}
    if len(cultures) < 2:
        reasons = sorted({row["reason"] for row in made.dropped})
        raise QuestionsError(
            f"{len(cultures)} cultures have {how.min_questions} questions in both parts, two are needed (rows left "
            f"out: {len(made.dropped)}, {', '.join(reasons) or 'for no reason'}); lower questions.*.min_questions"
        )
    for part, rows in made.questions.items():
        made.questions[part] = [row for row in rows if row["culture"] in cultures]
        kept = {row["picture_id"] for row in made.questions[part]}
        made.pictures[part] = {name: image for name, image in made.pictures[part].items() if name in kept}


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    files = sorted(folder.rglob("*.parquet"))
    if not files:
        raise QuestionsError(f"{folder} holds no .parquet file; put the files of CVQA there")
    for path in files:
        try:
            with pq.ParquetFile(path) as file:
                if missing := [name for name in COLUMNS if name not in file.schema_arrow.names]:
                    raise QuestionsError(f"{path} lacks the columns {', '.join(missing)} of CVQA's layout")
                for batch in file.iter_batches(ROWS_AT_ONCE, columns=list(COLUMNS)):
                    yield from batch.to_pylist()
        except (pa.ArrowInvalid, OSError) as error:
            raise QuestionsError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None


def _question(row: dict[str, Any], how: PublishedQuestions) -> tuple[QuestionRow, bytes]:
    name = str(row["ID"] or "")
    if not name:
        raise _Refused("no_id", row["ID"])
    language, country = _subset(row["Subset"])
    if how.cultures is not None and country not in how.cultures:
        raise _Refused("other_culture", country)
    licence = str(row["License"] or "")
    if how.licences is not None and licence not in how.licences:
        raise _Refused("licence", licence)
    options, english = row["Options"] or [], row["Translated Options"] or []
    if len(options) != OPTIONS or len(english) != OPTIONS or not all(map(_said, [*options, *english])):
        raise _Refused("options", options)
    if not (_said(row["Question"]) and _said(row["Translated Question"])):
        raise _Refused("no_question", row["Question"])
    if row["Label"] is None or not 0 <= int(row["Label"]) < OPTIONS:
        raise _Refused("label", row["Label"])
    image = _picture(row["image"])
    question: QuestionRow = {
        "question_id": name,
        "picture_id": hashlib.sha256(image).hexdigest(),
        "culture": country,
        "category": str(row["Category"] or ""),
        "neutral": False,
        "language": language,
        "text": row["Question"],
        "english": row["Translated Question"],
        "options": list(options),
        "options_english": list(english),
        "right": int(row["Label"]),
        "licence": licence,
    }
    return question, image


def _said(text: Any) -> bool:
    return isinstance(text, str) and bool(text.strip())


def _subset(value: Any) -> tuple[str, str]:
    """Language and country of "('Japanese', 'Japan')"."""
    try:
        language, country = ast.literal_eval(value) if isinstance(value, str) else value
    except (ValueError, SyntaxError, TypeError):
        raise _Refused("subset", value) from None
    return str(language), str(country)


def _picture(value: Any) -> bytes:
    """The bytes as they were published, once they were decoded."""
    content = value.get("bytes") if isinstance(value, dict) else value
    if not content:
        raise _Refused("no_picture", value)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise _Refused("too_large", image.size)
                image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _Refused("unreadable_picture", error) from None
    return bytes(content)
