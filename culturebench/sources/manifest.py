"""The list that tells a folder source what its files are: CSV with a header, or one JSON object a line.

Columns: `file`, `region`, `licence`, `author`, `source_url`, `category`, and captions in the region's language and
English: `cultural`, `noun`, `cultural_en`, `noun_en`. The category is what the picture shows, as region files sort
their keywords, or one of your own, such as `portrait`. A caption's spans stand in `<caption>:noun` and
`<caption>:modifier`, as the words themselves, as `start-end`, or as `*` for all of it; in JSON a caption may also be
an object `{"text": …, "noun": …, "modifier": …}`. A noun caption may mark its noun in brackets, `a red [bowl]`, or in
the column `noun_span` (`noun_en_span`). Other columns are ignored.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from culturebench.captions.spans import CaptionError, CaptionRow, parse_caption
from culturebench.sources.base import SourceError

CAPTIONS = ("cultural", "noun", "cultural_en", "noun_en")
CATEGORY = "[a-z][a-z0-9_]*"  # as the keys of a region file
_OTHER_NAMES = {
    "license": "licence",
    "url": "source_url",
    "filename": "file",
    "file_name": "file",
    "noun_span": "noun:noun",
    "noun_en_span": "noun_en:noun",
}
_MARKED = re.compile(r"([^\[\]]*)\[([^\[\]]+)\]([^\[\]]*)")


@dataclass(frozen=True)
class Entry:
    """One line: `captions` maps a role to its caption, whose language the line does not say."""

    line: int
    file: str
    region: str = ""
    licence: str = ""
    author: str = ""
    source_url: str = ""
    category: str = ""
    captions: Mapping[str, CaptionRow] = field(default_factory=dict[str, CaptionRow])


def read_manifest(name: str, data: bytes) -> list[Entry]:
    """The entries of a `.csv` or `.jsonl` file; `SourceError` names the line of the first mistake."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SourceError(f"{name}:{line}: not UTF-8; save the manifest as UTF-8") from None
    rows = _json_lines(name, text) if name.endswith((".jsonl", ".ndjson")) else _csv(name, text)
    entries = [_entry(name, line, row) for line, row in rows]
    _refuse_repeats(name, entries)
    return entries


def _csv(name: str, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                pass
            elif header is None:
                header = _header(name, cells)
            elif len(cells) != len(header):
                raise SourceError(f"{name}:{line}: {len(cells)} cells, the header has {len(header)}")
            else:
                yield line, dict(zip(header, cells, strict=True))
            line = reader.line_num + 1
    except csv.Error as error:
        raise SourceError(f"{name}:{reader.line_num}: not valid CSV: {error}") from None
    if header is None:
        raise SourceError(f"{name}:1: empty; the first line must name the columns, at least `file`")


def _header(name: str, cells: list[str]) -> list[str]:
    header = [_column(cell) for cell in cells]
    if "file" not in header:
        raise SourceError(f"{name}:1: no column `file` among: {', '.join(header)}")
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise SourceError(f"{name}:1: column named twice: {', '.join(twice)}")
    return header


def _json_lines(name: str, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        try:
            row = json.loads(content)
            json.dumps(row, ensure_ascii=False).encode()  # refuses \ud800 and its like, which no file name or text is
        except (ValueError, RecursionError) as error:
            raise SourceError(f"{name}:{line}: not valid JSON: {error}") from None
        if not isinstance(row, dict):
            raise SourceError(f"{name}:{line}: expected an object with at least `file`, got {type(row).__name__}")
        yield line, {_column(key): value for key, value in row.items()}


def _column(text: str) -> str:
    column = re.sub(r"[\s_]+", "_", text.strip().lower())
    return _OTHER_NAMES.get(column, column)


def _entry(name: str, line: int, row: Mapping[str, Any]) -> Entry:
    plain: dict[str, str] = {}
    for column in ("file", "region", "licence", "author", "source_url", "category"):
        value = row.get(column) or ""
        if not isinstance(value, str):
            raise SourceError(f"{name}:{line}: `{column}` must be a text, got {value!r}")
        plain[column] = value if column == "file" else value.strip()
    if not plain["file"].strip():
        raise SourceError(f"{name}:{line}: `file` is empty")
    if plain["category"] and not re.fullmatch(CATEGORY, plain["category"]):
        raise SourceError(
            f"{name}:{line}: `category` is {plain['category']!r}; it is a key such as clothing or wall_painting"
        )
    return Entry(line, **plain, captions=_captions(name, line, row))


def _captions(name: str, line: int, row: Mapping[str, Any]) -> dict[str, CaptionRow]:
    captions: dict[str, CaptionRow] = {}
    for role in CAPTIONS:
        value = row.get(role)
        if value is None or value == "":
            continue
        spans = {part: _span(row.get(f"{role}:{part}")) for part in ("noun", "modifier")}
        given = dict(value) if isinstance(value, Mapping) else {"text": value}
        given |= {part: span for part, span in spans.items() if span not in (None, "")}
        given = _without_brackets(given) if role in ("noun", "noun_en") else given
        try:
            captions[role] = parse_caption(given, "")
        except CaptionError as error:
            raise SourceError(f"{name}:{line}: `{role}`: {error}") from None
    return captions


def _without_brackets(given: dict[str, Any]) -> dict[str, Any]:
    """The caption without the one pair of brackets that marks its noun, unless something else marks it."""
    text = given.get("text")
    marked = _MARKED.fullmatch(text) if isinstance(text, str) and not given.get("noun") else None
    if marked is None:
        return given
    before, noun, after = marked.groups()
    return {**given, "text": before + noun + after, "noun": [len(before), len(before) + len(noun)]}


def _span(value: Any) -> Any:
    offsets = re.fullmatch(r"\s*(\d{1,9})\s*-\s*(\d{1,9})\s*", value) if isinstance(value, str) else None
    return [int(offsets[1]), int(offsets[2])] if offsets else value


def _refuse_repeats(name: str, entries: list[Entry]) -> None:
    first: dict[tuple[str, str], int] = {}
    for entry in entries:
        seen = first.setdefault((entry.region, entry.file), entry.line)
        if seen != entry.line:
            raise SourceError(f"{name}:{entry.line}: {entry.file} was already named in line {seen}")
