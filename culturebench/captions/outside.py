"""Captions from outside of the benchmark, from files that are hostile until every line has been checked.

`.csv` with a header, `.jsonl` with an object a line, or `.json` with a list of objects, as CUBE (Kannen et al. 2024)
has them. Fields: `prompt` and `country` (a region's code, name or ISO 3166 country of the run), and where there are any
`name`, `domain` and `language` (ISO 639; by default the region's own, English in `.json`). Other fields are ignored.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from culturebench.captions.spans import caption_row
from culturebench.errors import CultureBenchError
from culturebench.regions.words import country_code, languages

if TYPE_CHECKING:
    from culturebench.artifacts.prompts import PromptRow

MAX_BYTES = 10_000_000
MAX_LENGTH = 600  # characters of a prompt
SHOWN = 20  # mistakes that one message lists
FIELDS = ("prompt", "country", "name", "domain", "language")

#: Line or number of an entry, and its fields or what is wrong with it.
Read = tuple[int, "Mapping[str, Any] | str"]


class OutsideError(CultureBenchError):
    """A file of captions with lines that cannot be used; the message has one line for each."""


@dataclass(frozen=True)
class Place:
    """A region by which a caption may be filed: all names in small letters, and the region's language."""

    names: frozenset[str]
    iso: frozenset[str]
    language: str


def read_outside(name: str, data: bytes, places: Mapping[str, Place]) -> list[PromptRow]:
    """Rows of the artifact `prompts`; `places` are the run's regions by code. `OutsideError` lists every bad line."""
    found: list[PromptRow] = []
    wrong: list[str] = []
    seen: dict[str, int] = {}
    for number, fields in _entries(name, data):
        try:
            row = _row(fields, places, "en" if name.endswith(".json") else "")
            first = seen.setdefault(row["prompt_id"], number)
            if first != number:
                raise ValueError(f"the same prompt and region stand at {first} already")
            found.append(row)
        except ValueError as error:
            wrong.append(f"{name}:{number}: {error}")
    if wrong:
        more = [f"and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
        raise OutsideError("\n".join([*wrong[:SHOWN], *more]))
    if not found:
        raise OutsideError(f"{name}: no captions; each needs at least `prompt` and `country`")
    return found


def _entries(name: str, data: bytes) -> Iterator[Read]:
    readers = {"csv": _csv, "jsonl": _json_lines, "json": _json_list}
    kind = name.rpartition(".")[2]
    if kind not in readers:
        raise OutsideError(f"{name}: the name must end in .csv, .jsonl or .json, which says how to read it")
    if len(data) > MAX_BYTES:
        raise OutsideError(f"{name}: {len(data)} bytes; at most {MAX_BYTES} are read")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise OutsideError(f"{name}:{line}: not UTF-8; save the file as UTF-8") from None
    return readers[kind](name, text)


def _csv(name: str, text: str) -> Iterator[Read]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            if header is None:
                header = _header(name, cells)
            elif len(cells) != len(header):
                if any(cell.strip() for cell in cells):
                    yield line, f"{len(cells)} cells, the header has {len(header)}"
            else:
                yield line, dict(zip(header, cells, strict=True))
            line = reader.line_num + 1
    except csv.Error as error:
        yield line, f"not valid CSV: {error}"


def _header(name: str, cells: list[str]) -> list[str]:
    header = [cell.strip().casefold() for cell in cells]
    missing = [column for column in ("prompt", "country") if header.count(column) != 1]
    if missing:
        raise OutsideError(f"{name}:1: the header must name once each: prompt, country; got: {', '.join(header)}")
    return header


def _json_lines(name: str, text: str) -> Iterator[Read]:
    del name
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield number, _object(json.loads(line))
            except (ValueError, RecursionError) as error:
                yield number, f"not a line of JSON: {error}"


def _json_list(name: str, text: str) -> Iterator[Read]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OutsideError(f"{name}: not valid JSON: {error}") from None
    if not isinstance(content, list):
        raise OutsideError(
            f"{name}: holds {type(content).__name__}; a list of objects with `prompt` and `country` is read"
        )
    for number, entry in enumerate(content, start=1):
        yield number, _object(entry)


def _object(entry: Any) -> Mapping[str, Any] | str:
    return entry if isinstance(entry, dict) else f"{type(entry).__name__} instead of an object"


def _row(fields: Mapping[str, Any] | str, places: Mapping[str, Place], language: str) -> PromptRow:
    """The row of one entry; ValueError with what is wrong."""
    if isinstance(fields, str):
        raise ValueError(fields)
    values = {field: _text(field, fields.get(field)) for field in FIELDS}
    if not any(sign.isalpha() for sign in values["prompt"]):
        raise ValueError(f"`prompt` is {values['prompt']!r}; it needs words")
    if len(values["prompt"]) > MAX_LENGTH:
        raise ValueError(f"`prompt` has {len(values['prompt'])} characters; at most {MAX_LENGTH}")
    region = _region(values["country"], places)
    spoken = values["language"] or language or places[region].language
    if spoken not in languages():
        raise ValueError(f"`language` {spoken!r} is no ISO 639 code, such as {places[region].language}")
    caption = caption_row(values["prompt"], spoken)
    return {
        "prompt_id": hashlib.sha256(f"{region}\n{values['prompt']}".encode()).hexdigest(),
        "region": region,
        "subdivision": "",
        "object": "",
        "name": values["name"],
        "domain": values["domain"],
        "noun": caption,
        "noun_en": caption if spoken == "en" else None,
        "cultural": None,
        "prompted": None,
        "prompted_en": None,
    }


def _text(field: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"`{field}` must be a text, got {value!r:.60}")
    text = unicodedata.normalize("NFC", " ".join(value.split()))
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in text):
        raise ValueError(f"`{field}` holds a control character or half a surrogate pair")
    return text


def _region(country: str, places: Mapping[str, Place]) -> str:
    code = country.upper() if len(country) == 2 else country_code(country)
    fitting = [
        region for region, place in places.items() if country.casefold() in place.names or (code and code in place.iso)
    ]
    if len(fitting) != 1:
        said = "is none of the run's regions" if not fitting else f"could be {' or '.join(fitting)}"
        raise ValueError(f"`country` {country!r} {said}; allowed: {_allowed(places)}")
    return fitting[0]


def _allowed(places: Mapping[str, Place]) -> str:
    return ", ".join(f"{code} ({', '.join(sorted(place.names - {code}))})" for code, place in places.items())
